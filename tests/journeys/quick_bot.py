"""The bot as a process that waits less: before it repeats a resume in doubt, and between updates.

`python -m tests.journeys.quick_bot GRACE START_GRACE UPDATE_INTERVAL`, in seconds, with the
settings of `crewgate serve`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from datetime import timedelta

from bot.app import running
from bot.crews import build_log_redactor
from bot.event_loop import EventLoop
from bot.logs import set_up_logging
from bot.runtime import UPDATE_RATE, Runtime
from bot.settings.load import load


def quick(
    *,
    grace: timedelta = timedelta(),
    start_grace: timedelta = timedelta(seconds=0.5),
    update_interval: timedelta = UPDATE_RATE.interval,
) -> tuple[str, ...]:
    """What Python is started with."""
    seconds = (str(wait.total_seconds()) for wait in (grace, start_grace, update_interval))
    return ("-m", "tests.journeys.quick_bot", *seconds)


async def serve(runtime: Runtime) -> None:
    """Until SIGTERM."""
    settings = load()
    redact = build_log_redactor(settings).text
    set_up_logging(settings.log_format, settings.log_level, redact=redact)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(settings, runtime):
        await stop.wait()


def main(grace: timedelta, start_grace: timedelta, update_interval: timedelta) -> None:
    """Run it."""
    update_rate = replace(UPDATE_RATE, interval=update_interval)
    runtime = Runtime(grace=grace, start_grace=start_grace, update_rate=update_rate)
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(runtime))


if __name__ == "__main__":
    main(*(timedelta(seconds=float(seconds)) for seconds in sys.argv[1:]))

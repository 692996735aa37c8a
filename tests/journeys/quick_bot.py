"""The bot as a process that repeats resumes in doubt sooner than after 3 s, and 20 s after a start.

`python -m tests.journeys.quick_bot SECONDS START_SECONDS`, with the settings of `bot serve`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta

from bot.app import running
from bot.crews import build_log_redactor
from bot.event_loop import EventLoop
from bot.logs import set_up_logging
from bot.runtime import Runtime
from bot.settings.load import load


def quick(
    *, grace: timedelta = timedelta(), start_grace: timedelta = timedelta(seconds=0.5)
) -> tuple[str, ...]:
    """What Python is started with."""
    seconds = (str(wait.total_seconds()) for wait in (grace, start_grace))
    return ("-m", "tests.journeys.quick_bot", *seconds)


async def serve(grace: timedelta, start_grace: timedelta) -> None:
    """Until SIGTERM."""
    settings = load()
    redact = build_log_redactor(settings).text
    set_up_logging(settings.log_format, settings.log_level, redact=redact)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(settings, Runtime(grace=grace, start_grace=start_grace)):
        await stop.wait()


if __name__ == "__main__":
    waits = [timedelta(seconds=float(seconds)) for seconds in sys.argv[1:]]
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(*waits))

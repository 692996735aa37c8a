"""The bot as a process that waits less: before it repeats a resume in doubt, and between updates.

`python -m tests.journeys.quick_bot GRACE START_GRACE UPDATE_INTERVAL`, in seconds, with the
settings of `crewgate serve`.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.event_loop import EventLoop
from bot.runtime import UPDATE_RATE, Runtime
from bot.serve import serve
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


def main(grace: timedelta, start_grace: timedelta, update_interval: timedelta, **more: Any) -> None:
    """Run it; `more` is of `Runtime`."""
    update_rate = replace(UPDATE_RATE, interval=update_interval)
    runtime = Runtime(grace=grace, start_grace=start_grace, update_rate=update_rate, **more)
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(load(), runtime))


if __name__ == "__main__":
    main(*(timedelta(seconds=float(seconds)) for seconds in sys.argv[1:]))

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

from crewgate.event_loop import EventLoop
from crewgate.runtime import UPDATE_RATE, Runtime
from crewgate.serve import serve
from crewgate.settings.load import load
from tests.repo.files import ROOT


def quick(
    *,
    grace: timedelta = timedelta(),
    start_grace: timedelta = timedelta(seconds=0.5),
    update_interval: timedelta = UPDATE_RATE.interval,
) -> tuple[str, ...]:
    """Python's arguments for it."""
    waits = (str(wait.total_seconds()) for wait in (grace, start_grace, update_interval))
    return (*run_module("tests.journeys.quick_bot"), *waits)


def run_module(name: str) -> tuple[str, ...]:
    """Python's arguments to run a module of the tests, which are in no installation."""
    add = f"import runpy, sys; sys.path.append({str(ROOT)!r})"
    return ("-c", f"{add}; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)")


def main(grace: timedelta, start_grace: timedelta, update_interval: timedelta, **more: Any) -> None:
    """Run it; `more` is of `Runtime`."""
    update_rate = replace(UPDATE_RATE, interval=update_interval)
    runtime = Runtime(grace=grace, start_grace=start_grace, update_rate=update_rate, **more)
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(load(), runtime))


if __name__ == "__main__":
    main(*(timedelta(seconds=float(seconds)) for seconds in sys.argv[1:]))

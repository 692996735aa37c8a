"""The bot as a process that waits for half a second where a real one waits for 20 s.

`python -m tests.journeys.quick_bot`, with the settings of `python -m bot serve`.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

from bot.app import running
from bot.crews import build_log_redactor
from bot.event_loop import EventLoop
from bot.logs import set_up_logging
from bot.runtime import Runtime
from bot.settings.load import load

QUICK = ("-m", "tests.journeys.quick_bot")
START_GRACE = timedelta(seconds=0.5)


async def serve() -> None:
    """Until SIGTERM."""
    settings = load()
    redact = build_log_redactor(settings).text
    set_up_logging(settings.log_format, settings.log_level, redact=redact)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(settings, Runtime(start_grace=START_GRACE)):
        await stop.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve())

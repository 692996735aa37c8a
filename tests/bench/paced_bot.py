"""The bot with another pace of posts: `python -m tests.bench.paced_bot POSTS_A_SECOND`.

The settings are those of `bot serve`. Slack's own pace is 1; 0 is no pace at all.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta

from bot.app import running
from bot.crews import build_log_redactor
from bot.domain.rate import Rate
from bot.event_loop import EventLoop
from bot.logs import set_up_logging
from bot.runtime import Runtime
from bot.settings.load import load


async def serve(posts_a_second: float) -> None:
    """Until SIGTERM."""
    settings = load()
    redact = build_log_redactor(settings).text
    set_up_logging(settings.log_format, settings.log_level, redact=redact)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    interval = timedelta(seconds=1 / posts_a_second if posts_a_second else 0)
    async with running(settings, Runtime(post_rate=Rate(interval=interval))):
        await stop.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(float(sys.argv[1])))

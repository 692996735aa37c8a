"""The bot with another pace of posts: `python -m tests.bench.paced_bot POSTS_A_SECOND`.

The settings are those of `bot serve`. Slack's own pace is 1; 0 is no pace at all.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from datetime import timedelta

from crewgate.domain.rate import Rate
from crewgate.event_loop import EventLoop
from crewgate.runtime import Runtime
from crewgate.serve import serve
from crewgate.settings.load import load


def main(posts_a_second: float) -> None:
    """Run it until SIGTERM."""
    interval = timedelta(seconds=1 / posts_a_second if posts_a_second else 0)
    gc.freeze()  # as `crewgate serve` does
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(load(), Runtime(post_rate=Rate(interval=interval))))


if __name__ == "__main__":
    main(float(sys.argv[1]))

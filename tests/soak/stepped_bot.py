"""The bot as it is served, with a clock that steps: `make soak` starts it so.

It takes the waits of `tests.quick_bot`; SOAK_CLOCK is the file that says how many seconds the clock
is ahead.
"""

import os
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

from crewgate import runtime
from crewgate.domain.retry import Retry
from crewgate.usecases.delivery.context import MENTIONED_EACH
from tests.quick_bot import main

#: Each fault makes the next wait twice as long: up to 5 min as it is served.
LONGEST = timedelta(seconds=30)


def step(file: Path, ahead: float) -> None:
    """Have the bots' clock be so many seconds ahead, at once: nobody reads half a number."""
    written = file.with_suffix(".new")
    written.write_text(str(ahead))
    written.replace(file)


class SteppedTime(datetime):
    """The machine's time as `crewgate.runtime` reads it: ahead by what the file says."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """The time by that clock."""
        ahead = timedelta(seconds=float(Path(os.environ["SOAK_CLOCK"]).read_text()))
        return super().now(tz) + ahead


if __name__ == "__main__":
    vars(runtime)["datetime"] = SteppedTime
    main(sys.argv[1:], retry=Retry(longest=LONGEST), mentioned_each=MENTIONED_EACH)

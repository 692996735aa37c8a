"""The options of a run: from the environment, with defaults for some minutes."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.options import DATABASES, database, number


@dataclass(frozen=True, kw_only=True)
class Options:
    """A run of the benchmark."""

    folder: Path
    """The folder of databases and logs; its disk is measured."""
    seconds: float = 1.5
    """The length of one round of a measurement."""
    rounds: int = 5
    """The number of turns that each measurement and its yardstick take."""
    database: str = DATABASES[0]
    grown: int = 100_000
    """Rounds in the database that has grown."""
    burst: int = 1_000
    """Notifications of the burst."""
    pace: float = 25
    """Posts a second into a channel during the burst; Slack itself takes one."""
    peer: str = ""
    """A Python that has `awaithumans[server]` installed."""
    other: Path | None = None
    """Another checkout, with a `.venv` of its own, to be compared with."""


def read_options(folder: Path) -> Options:
    """The options in the environment. Raises InvalidOption."""
    return Options(
        folder=folder,
        seconds=number("BENCH_SECONDS", Options.seconds),
        rounds=int(number("BENCH_ROUNDS", Options.rounds)),
        database=database("BENCH_DATABASE"),
        grown=int(number("BENCH_GROWN", Options.grown)),
        burst=int(number("BENCH_BURST", Options.burst)),
        pace=number("BENCH_PACE", Options.pace),
        peer=os.environ.get("BENCH_PEER", ""),
        other=Path(other) if (other := os.environ.get("BENCH_OTHER")) else None,
    )

"""What a run is to be: from the environment, with defaults for some minutes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DATABASES: Final = ("sqlite", "postgresql")


class InvalidOption(Exception):
    """A variable that is not understood; says which, and what to put there."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """A run of the benchmark."""

    folder: Path
    """Where databases and logs go; its disk is what is measured."""
    seconds: float = 1.5
    """How long one round of a measurement takes."""
    rounds: int = 5
    """How often each measurement and its yardstick take turns."""
    database: str = DATABASES[0]
    grown: int = 100_000
    """Rounds in the database that has grown."""
    burst: int = 1_000
    """Notifications of the burst."""
    pace: float = 25
    """Posts a second into a channel during the burst; Slack itself takes one."""
    peer: str = ""
    """A Python that has `awaithumans[server]` installed."""


def read_options(folder: Path) -> Options:
    """The options in the environment. Raises InvalidOption."""
    database = os.environ.get("BENCH_DATABASE") or DATABASES[0]
    if database not in DATABASES:
        raise InvalidOption(f"BENCH_DATABASE must be one of: {', '.join(DATABASES)}")
    return Options(
        folder=folder,
        seconds=_number("BENCH_SECONDS", Options.seconds),
        rounds=int(_number("BENCH_ROUNDS", Options.rounds)),
        database=database,
        grown=int(_number("BENCH_GROWN", Options.grown)),
        burst=int(_number("BENCH_BURST", Options.burst)),
        pace=_number("BENCH_PACE", Options.pace),
        peer=os.environ.get("BENCH_PEER", ""),
    )


def _number(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 10_000_000:
        raise InvalidOption(f"{name} must be a number above 0")
    return number

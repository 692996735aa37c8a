"""What a run is to be: from the environment, with defaults for a minute on a small machine."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import Final

DATABASES: Final = ("sqlite", "postgresql")
#: Slack takes one post a second into a channel, and an execution of the load makes about five.
_CHANNELS_FOR_EACH_A_SECOND: Final = 4


class InvalidOption(Exception):
    """A variable that is not understood; says which, and what to put there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A run of the soak."""

    seconds: float
    """How long executions are started and things go wrong."""
    rate: float
    """Executions a second."""
    settle_seconds: float
    """How long everything has to settle afterwards."""
    crews: int
    """Deployments, each with a channel of its own."""
    database: str
    seed: int

    def __str__(self) -> str:
        return (
            f"SOAK_SECONDS={self.seconds:g} SOAK_RATE={self.rate:g} SOAK_CREWS={self.crews} "
            f"SOAK_SETTLE_SECONDS={self.settle_seconds:g} SOAK_DATABASE={self.database} "
            f"SOAK_SEED={self.seed}"
        )


def read_options() -> Options:
    """The options in the environment. Raises InvalidOption."""
    rate = _number("SOAK_RATE", 10)
    database = os.environ.get("SOAK_DATABASE") or DATABASES[0]
    if database not in DATABASES:
        raise InvalidOption(f"SOAK_DATABASE must be one of: {', '.join(DATABASES)}")
    return Options(
        seconds=_number("SOAK_SECONDS", 60),
        rate=rate,
        settle_seconds=_number("SOAK_SETTLE_SECONDS", 240),
        crews=int(_number("SOAK_CREWS", max(4, rate * _CHANNELS_FOR_EACH_A_SECOND))),
        database=database,
        seed=int(_number("SOAK_SEED", secrets.randbelow(1_000_000) + 1)),
    )


def _number(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1_000_000_000:
        raise InvalidOption(f"{name} must be a number above 0")
    return number

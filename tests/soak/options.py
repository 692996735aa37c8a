"""What a run is to be: from the environment, with defaults for a minute on a small machine."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import Final

DATABASES: Final = ("sqlite", "postgresql")
#: Slack takes one post a second into a channel, and an execution of the load makes up to ten.
_CHANNELS_FOR_EACH_A_SECOND: Final = 10
_SECONDS_FOR_EACH_KILL: Final = 12


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
    kills: int
    """How often the bot is killed meanwhile; the load goes on until the last one."""
    crews: int
    """Deployments, each with a channel of its own."""
    database: str
    seed: int

    def __str__(self) -> str:
        return (
            f"SOAK_SECONDS={self.seconds:g} SOAK_RATE={self.rate:g} SOAK_KILLS={self.kills} "
            f"SOAK_CREWS={self.crews} SOAK_SETTLE_SECONDS={self.settle_seconds:g} "
            f"SOAK_DATABASE={self.database} SOAK_SEED={self.seed}"
        )


def read_options() -> Options:
    """The options in the environment. Raises InvalidOption."""
    seconds = _number("SOAK_SECONDS", 60)
    rate = _number("SOAK_RATE", 10)
    database = os.environ.get("SOAK_DATABASE") or DATABASES[0]
    if database not in DATABASES:
        raise InvalidOption(f"SOAK_DATABASE must be one of: {', '.join(DATABASES)}")
    return Options(
        seconds=seconds,
        rate=rate,
        kills=int(_number("SOAK_KILLS", max(1, seconds // _SECONDS_FOR_EACH_KILL))),
        settle_seconds=_number("SOAK_SETTLE_SECONDS", 300),
        crews=int(_number("SOAK_CREWS", max(5, rate * _CHANNELS_FOR_EACH_A_SECOND))),
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

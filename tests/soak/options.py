"""The options of a run: from the environment, with defaults for a minute on a small machine."""

import os
import secrets
from dataclasses import dataclass
from typing import Final

from tests.host.real import COMPLETE
from tests.options import InvalidOption, database, number

#: Slack takes one post a second into a channel, and an execution of the load makes up to ten.
_CHANNELS_FOR_EACH_A_SECOND: Final = 10
_SECONDS_FOR_EACH_KILL: Final = 12
_SHORT: Final = 120
BESIDE: Final = ("calls", "taught")
NONE: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A run of the soak."""

    seconds: float
    """The seconds in which executions are started and faults happen."""
    rate: float
    """Executions a second."""
    settle_seconds: float
    """The seconds that everything has to settle afterwards."""
    kills: int
    """The number of kills of the bot meanwhile; the load goes on until the last one."""
    crews: int
    """Deployments, each with a channel of its own."""
    database: str
    seed: int
    beside: tuple[str, ...] = ()
    """The crews beside those of the load, by name."""

    @property
    def is_short(self) -> bool:
        """A short run has no time for every kind of evidence."""
        return self.seconds < _SHORT

    def __str__(self) -> str:
        return (
            f"SOAK_SECONDS={self.seconds:g} SOAK_RATE={self.rate:g} SOAK_KILLS={self.kills} "
            f"SOAK_CREWS={self.crews} SOAK_SETTLE_SECONDS={self.settle_seconds:g} "
            f"SOAK_DATABASE={self.database} SOAK_SEED={self.seed} "
            f"SOAK_BESIDE={','.join(self.beside) or NONE}"
        )


def read_options() -> Options:
    """The options in the environment. Raises InvalidOption."""
    seconds = number("SOAK_SECONDS", 60)
    rate = number("SOAK_RATE", 10)
    return Options(
        seconds=seconds,
        rate=rate,
        kills=int(number("SOAK_KILLS", max(1, seconds // _SECONDS_FOR_EACH_KILL))),
        settle_seconds=number("SOAK_SETTLE_SECONDS", 300),
        crews=int(number("SOAK_CREWS", max(5, rate * _CHANNELS_FOR_EACH_A_SECOND))),
        database=database("SOAK_DATABASE"),
        seed=_seed(),
        beside=_beside(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """A run of the soak of `crewgate host`, see `acts`."""

    kills: int
    seed: int
    settle_seconds: float

    def __str__(self) -> str:
        return (
            f"SOAK_ACTS={self.kills} SOAK_SEED={self.seed}"
            f" SOAK_SETTLE_SECONDS={self.settle_seconds:g}"
        )


def read_acts() -> Acts | None:
    """The options in the environment, None where `SOAK_ACTS` is not set. Raises InvalidOption."""
    if not os.environ.get("SOAK_ACTS"):
        return None
    return Acts(
        kills=int(number("SOAK_ACTS", 20)),
        seed=_seed(),
        settle_seconds=number("SOAK_SETTLE_SECONDS", 120),
    )


def _beside() -> tuple[str, ...]:
    """Return the names of SOAK_BESIDE; all by default, but for calls where crewai is missing."""
    there = [one for one in BESIDE if one != "calls" or COMPLETE.exists()]
    names = (os.environ.get("SOAK_BESIDE") or ",".join(there)).split(",")
    chosen = tuple(name for name in names if name != NONE)
    if not set(chosen) <= set(BESIDE):
        raise InvalidOption(f"SOAK_BESIDE must be some of: {', '.join(BESIDE)}; or {NONE}")
    return chosen


def _seed() -> int:
    return int(number("SOAK_SEED", secrets.randbelow(1_000_000) + 1))

"""How long a rule waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: of the clock, or of working hours where `working`."""

    length: timedelta
    working: bool = False

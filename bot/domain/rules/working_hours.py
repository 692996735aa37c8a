"""When people of a rule work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """The same hours on some days of the week, in one time zone."""

    days: frozenset[int]
    """As `datetime.weekday` numbers them: Monday is 0."""
    begin: time
    end: time
    """Later than `begin`, on the same day."""
    zone: ZoneInfo

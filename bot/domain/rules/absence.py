"""Somebody is away, and somebody else decides for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.verdict import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """From `since` up to `until`, `delegate` may do what `away` may by their own right."""

    away: Person
    delegate: Person
    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Whether the person is away at this moment."""
        return self.since <= at < self.until

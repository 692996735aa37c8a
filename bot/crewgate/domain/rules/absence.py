"""Absences: somebody is away, and their delegate decides for them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from crewgate.domain.verdict import Person

#: A longer absence is a typing error; a permanent change belongs into the settings.
LONGEST: Final = timedelta(days=366)

_DAY: Final = timedelta(days=1)
#: The last second of a day; if clocks put back repeat that second, the later time.
_LAST_SECOND: Final = time(23, 59, 59, fold=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """From `since` to `until`, `delegate` also has the rights that `away` has in person."""

    away: Person
    delegate: Person
    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        return self.since <= at < self.until


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    # In UTC the end of `date.max` may lie beyond the last valid date.
    day = min(day, date.max - _DAY)
    return datetime.combine(day, _LAST_SECOND, tzinfo=zone).astimezone(UTC)


def last_day(now: datetime, zone: ZoneInfo) -> date:
    return (now + LONGEST).astimezone(zone).date() - _DAY

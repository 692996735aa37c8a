"""The durations that a rule waits, and the working hours of its people."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EXAMPLE: Final = "Mon-Fri 09:00-17:30 Europe/Berlin"
#: The shortest working time of a day: with less, a duration in working hours would take years.
SHORTEST: Final = timedelta(hours=1)

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)
_HOURS: Final = re.compile(
    r"(?P<days>[a-z]{3}(?: ?[-,] ?[a-z]{3})*) +(?P<begin>[0-9]{1,2}:[0-9]{2}) ?- ?"
    r"(?P<end>[0-9]{1,2}:[0-9]{2}) +(?P<zone>\S+)",
    flags=re.IGNORECASE,
)


class NoSuchZone(ValueError):
    """A time zone does not exist; carries its name as it was written."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the time zone {name} does not exist; put one like Europe/Berlin or UTC")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """Daily hours on some days of the week, in one time zone.

    They last from the moment when the clock there first reads `begin`, or later where that time is
    skipped, until it first reads `end`.
    """

    days: frozenset[int]
    """Numbers of `datetime.weekday`: Monday is 0. The set is never empty."""
    begin: time
    end: time
    """Later than `begin`; 00:00 is the end of that day."""
    zone: ZoneInfo

    def __str__(self) -> str:
        end = f"{self.end:%H:%M}" if self.end != time.min else "24:00"
        return f"{_name_days(self.days)} {self.begin:%H:%M}-{end} {self.zone.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read hours as `str` writes them. Raises NoSuchZone or ValueError, worded for people."""
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"not understood; put hours like {EXAMPLE}")
        days = _read_days(found["days"])
        begin, end = _read_time(found["begin"]), _read_time(found["end"])
        if end - begin < SHORTEST:
            raise ValueError(
                "they must end on the same day (24:00 at the latest), an hour or more after they"
                f" begin; put hours like {EXAMPLE}"
            )
        return cls(
            days=days,
            begin=_time_of_day(begin),
            end=_time_of_day(end),
            zone=_read_zone(found["zone"]),
        )

    def next_open(self, at: datetime) -> datetime:
        """Return this moment if people work then, else when their hours next begin; in UTC."""
        begin, _ = next(self._spans_after(at))
        return max(begin, at.astimezone(UTC))

    def add(self, start: datetime, length: timedelta) -> datetime:
        left = length
        for begin, end in self._spans_after(start):  # pragma: no branch  # such hours never end
            begins = max(begin, start.astimezone(UTC))
            if left <= end - begins:
                return begins + left
            left -= end - begins
        raise AssertionError  # pragma: no cover

    def between(self, start: datetime, end: datetime) -> timedelta:
        passed = timedelta()
        for begin, until in self._spans_after(start):  # pragma: no branch  # such hours never end
            begins = max(begin, start)
            if begins >= end:
                return passed
            passed += min(until, end) - begins
        raise AssertionError  # pragma: no cover

    def _spans_after(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        # The first day is the day before: where clocks are put back just after midnight, an hour of
        # that day comes once more, after `at`.
        first = at.astimezone(self.zone).date() - _DAY
        for number in count():  # pragma: no branch  # such a day never ends
            day = first + number * _DAY
            if day.weekday() not in self.days:
                continue
            until = day if self.end != time.min else day + _DAY
            begin, end = self._first(day, self.begin), self._first(until, self.end)
            # A day that the zone skipped has no hours.
            if begin < end and at < end:
                yield begin, end

    def _first(self, day: date, wall: time) -> datetime:
        """Return the first moment when the clock reads `wall` or, if that is skipped, later."""
        wanted = datetime.combine(day, wall)
        found = wanted.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        if self._reads(found) == wanted:
            return found
        # The end of the skip is searched between two moments. PEP 495: for a skipped time, fold=0
        # gives a moment after the skip, fold=1 a moment before.
        before = wanted.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        while found - before > _SECOND:
            middle = before + (found - before) // _SECOND // 2 * _SECOND
            if self._reads(middle) < wanted:
                before = middle
            else:
                found = middle
        return found

    def _reads(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=None, fold=0)


def _read_days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin = _read_day(first)
        end = _read_day(last) if last else begin
        days.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(days)


def _read_day(text: str) -> int:
    name = text.strip().capitalize()
    if name not in _DAYS:
        raise ValueError(f"{text.strip()} is no day of the week; put {', '.join(_DAYS)}")
    return _DAYS.index(name)


def _name_days(days: frozenset[int]) -> str:
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join("-".join(_DAYS[day] for day in dict.fromkeys((r[0], r[-1]))) for r in runs)


def _read_time(text: str) -> timedelta:
    hours, minutes = map(int, text.split(":"))
    since = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or since > _DAY:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text} is no time of the day; put hours like {EXAMPLE}")
    return since


def _time_of_day(since: timedelta) -> time:
    hours, minutes = divmod(since // _MINUTE, 60)
    return time(hours % 24, minutes)


def _read_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # ValueError and OSError are for names of folders, and of files outside the database.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NoSuchZone(name) from None


#: Longer durations are typing errors, and `datetime` ends at the year 9999.
LONGEST: Final = timedelta(days=366)
LONGEST_WORKING: Final = timedelta(hours=1_000)
EXAMPLES: Final = "30s, 15m, 4h, 3d, or 4wh for working hours"

_UNITS: Final = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_WRITTEN: Final = re.compile(r"([0-9]{1,9}) ?(wh|[dhms])")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, or of working time if `working`.

    A day is 24 hours, also where clocks are put forward or back.
    """

    length: timedelta
    working: bool = False
    written: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        if self.written:
            return self.written
        if self.working:
            return f"{self.length // _UNITS['h']}wh"
        unit = next(name for name, one in _UNITS.items() if not self.length % one)
        return f"{self.length // _UNITS[unit]}{unit}"

    @classmethod
    def parse(cls, text: str, *, examples: str = EXAMPLES) -> Self:
        """Read a duration as `str` writes it. Raises ValueError, which says what to put there."""
        found = _WRITTEN.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(f"not a duration; put one like {examples}")
        count, unit = int(found[1]), found[2]
        working = unit == "wh"
        longest = LONGEST_WORKING if working else LONGEST
        if not 1 <= count <= longest // _UNITS[unit[-1]]:
            raise ValueError(f"put a duration from 1{unit} to {cls(longest, working)}")
        return cls(count * _UNITS[unit[-1]], working, f"{count}{unit}")

    def after(self, start: datetime, hours: WorkingHours | None) -> datetime:
        if self.working and hours is not None:
            return hours.add(start, self.length)
        return start.astimezone(UTC) + self.length

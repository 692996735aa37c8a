"""The durations that a rule waits."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from crewgate.domain.rules.working_hours import WorkingHours

#: Longer ones are slips of the pen, and moments that far ahead cannot all be told.
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
    """A length of time: of the clock, or of working hours where `working`.

    A day is 24 hours, also where clocks are put forward or back.
    """

    length: timedelta
    working: bool = False
    written: str = field(default="", compare=False, repr=False)
    """As the settings have it."""

    def __str__(self) -> str:
        if self.written:
            return self.written
        if self.working:
            return f"{self.length // _UNITS['h']}wh"
        unit = next(name for name, one in _UNITS.items() if not self.length % one)
        return f"{self.length // _UNITS[unit]}{unit}"

    @classmethod
    def parse(cls, text: str, *, examples: str = EXAMPLES) -> Self:
        """From what `str` gives. Raises ValueError, which says what to put there."""
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
        """The moment at which it has passed since `start`, in UTC.

        Of working hours, those of `hours` count; without any, every hour does.
        """
        if self.working and hours is not None:
            return hours.add(start, self.length)
        return start.astimezone(UTC) + self.length

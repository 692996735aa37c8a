"""The morning line: one person's wish to hear, once a day, of what waits for them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Morning:
    """A person's wish: a minute of the day, by the clock in their zone."""

    user_id: str
    minute: int
    zone: str
    told: int = 0
    """The ordinal of the day of the last morning line."""

    def on(self, day: date) -> datetime:
        """Return the line's time on a day, in UTC: the first of two, or later if clocks skip it."""
        begins = time(*divmod(self.minute, 60))
        return datetime.combine(day, begins, ZoneInfo(self.zone)).astimezone(UTC)

    def following(self, now: datetime) -> datetime:
        """Return the time of the next line: later than now, and on a later day than the last."""
        day = now.astimezone(ZoneInfo(self.zone)).date()
        is_over = self.on(day) <= now or self.told >= day.toordinal()
        return self.on(day + timedelta(days=1) if is_over else day)

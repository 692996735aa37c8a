"""The time of the next morning line, by a clock that is put forward and back."""

from datetime import UTC, date, datetime

import pytest

from crewgate.domain.morning import Morning

BERLIN = "Europe/Berlin"
HALF_PAST_EIGHT = 8 * 60 + 30


@pytest.mark.parametrize(
    ("minute", "now", "told", "at"),
    [
        (HALF_PAST_EIGHT, "2026-03-10 07:29", None, "2026-03-10 07:30"),
        (HALF_PAST_EIGHT, "2026-03-10 07:30", None, "2026-03-11 07:30"),
        (HALF_PAST_EIGHT, "2026-03-10 06:00", "2026-03-10", "2026-03-11 07:30"),
        (HALF_PAST_EIGHT, "2026-03-10 06:00", "2026-03-09", "2026-03-10 07:30"),
        (HALF_PAST_EIGHT, "2026-03-10 08:00", "2026-03-10", "2026-03-11 07:30"),
        # Past midnight there, while it is the day before in UTC.
        (0, "2026-03-09 23:00", None, "2026-03-10 23:00"),
        (0, "2026-03-09 22:59", None, "2026-03-09 23:00"),
        # Summer time begins on the 29th: that day has no 2:30, and 8:30 is an hour earlier.
        (150, "2026-03-28 12:00", None, "2026-03-29 01:30"),
        (HALF_PAST_EIGHT, "2026-03-28 12:00", None, "2026-03-29 06:30"),
        # It ends on October 25th: 2:30 comes twice.
        (150, "2026-10-24 12:00", None, "2026-10-25 00:30"),
        (150, "2026-10-25 01:00", "2026-10-25", "2026-10-26 01:30"),
        (150, "2026-10-25 01:00", None, "2026-10-26 01:30"),
    ],
)
def test_a_line_comes_once_a_day(minute: int, now: str, told: str | None, at: str) -> None:
    last = 0 if told is None else date.fromisoformat(told).toordinal()
    wish = Morning("U1", minute, BERLIN, last)
    found = wish.following(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert f"{found:%Y-%m-%d %H:%M}" == at

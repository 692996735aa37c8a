"""Absences: when they begin and end, also where clocks are changed."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from crewgate.domain.rules.absence import LONGEST, Absence, end_of_day, last_day
from tests.builders import ANA, BEN, LATER, NOW, SECOND


def test_somebody_is_away_from_the_first_moment_up_to_the_last() -> None:
    absence = Absence(away=ANA, delegate=BEN, since=NOW, until=LATER)
    assert [absence.holds(at) for at in (NOW - SECOND, NOW, LATER - SECOND, LATER)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("day", "zone", "ends"),
    [
        ("2026-12-01", "UTC", "2026-12-01 23:59:59"),
        ("2026-12-01", "Europe/Berlin", "2026-12-01 22:59:59"),
        ("2026-12-01", "America/Los_Angeles", "2026-12-02 07:59:59"),
        ("2026-12-01", "Pacific/Kiritimati", "2026-12-01 09:59:59"),
        # Summer time begins and ends on these days.
        ("2026-03-29", "Europe/Berlin", "2026-03-29 21:59:59"),
        ("2026-10-25", "Europe/Berlin", "2026-10-25 22:59:59"),
        # The next day begins at 01:00.
        ("2026-04-23", "Africa/Cairo", "2026-04-23 21:59:59"),
        # At midnight clocks are put back to 23:00.
        ("2026-10-29", "Africa/Cairo", "2026-10-29 21:59:59"),
    ],
)
def test_a_day_ends_where_the_person_is(day: str, zone: str, ends: str) -> None:
    assert end_of_day(date.fromisoformat(day), ZoneInfo(zone)) == datetime.fromisoformat(
        f"{ends}+00:00"
    )


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_the_last_day_that_there_is_ends_late_enough(zone: str) -> None:
    assert end_of_day(date.max, ZoneInfo(zone)) > datetime(9999, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_the_last_day_of_an_absence_is_the_last_that_is_not_too_far_ahead(zone: str) -> None:
    here = ZoneInfo(zone)
    day = last_day(NOW, here)
    assert end_of_day(day, here) <= NOW + LONGEST
    assert end_of_day(date.fromordinal(day.toordinal() + 1), here) > NOW + LONGEST

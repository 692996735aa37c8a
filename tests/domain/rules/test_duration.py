"""Durations: read, written, and added to a time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.rules.duration import LONGEST, LONGEST_WORKING, Duration, WorkingHours
from tests.builders import NOW

OFFICE = WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin")
SPANS = st.integers(1, 31_622_400).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("written", "length", "working"),
    [
        ("30s", timedelta(seconds=30), False),
        ("15m", timedelta(minutes=15), False),
        ("4h", timedelta(hours=4), False),
        ("24h", timedelta(days=1), False),
        ("3d", timedelta(days=3), False),
        ("4wh", timedelta(hours=4), True),
        ("366d", LONGEST, False),
        ("1000wh", LONGEST_WORKING, True),
    ],
)
def test_a_duration_is_given_back_as_it_is_written(
    written: str, length: timedelta, *, working: bool
) -> None:
    duration = Duration.parse(written)
    assert duration == Duration(length, working)
    assert str(duration) == written


def test_spaces_and_case_do_not_matter() -> None:
    assert Duration.parse(" 4 WH ") == Duration(timedelta(hours=4), working=True)
    assert str(Duration.parse("03D")) == "3d"


@pytest.mark.parametrize(
    ("duration", "told"),
    [
        (Duration(timedelta(days=2)), "2d"),
        (Duration(timedelta(hours=36)), "36h"),
        (Duration(timedelta(minutes=90)), "90m"),
        (Duration(timedelta(seconds=90)), "90s"),
        (Duration(timedelta(days=2), working=True), "48wh"),
    ],
)
def test_one_that_was_not_written_is_told_as_it_would_be(duration: Duration, told: str) -> None:
    assert str(duration) == told


@given(length=SPANS)
def test_one_that_was_not_written_is_told_in_its_largest_whole_unit(length: timedelta) -> None:
    assert Duration.parse(str(Duration(length))) == Duration(length)


@given(hours=st.integers(1, 1_000))
def test_working_hours_are_told_in_hours(hours: int) -> None:
    duration = Duration(timedelta(hours=hours), working=True)
    assert str(duration) == f"{hours}wh"
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize("text", ["", "4", "h", "4 weeks", "1h30m", "-4h", "4.5h", "٤h", "4wd"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="put one like 30s, 15m, 4h, 3d, or 4wh"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["0h", "0wh", "367d", "1001wh", "999999999m"])
def test_what_is_too_short_or_too_long_is_refused_with_the_limits(text: str) -> None:
    with pytest.raises(ValueError, match=r"put a duration from 1\w+ to \d+\w+"):
        Duration.parse(text)


@given(length=SPANS, zone=st.sampled_from(["Europe/Berlin", "UTC", "Asia/Kathmandu"]))
def test_a_day_is_24_hours_where_clocks_are_put_forward_or_back(
    length: timedelta, zone: str
) -> None:
    start = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo(zone))
    due = Duration(length).after(start, OFFICE)
    assert due.tzinfo is UTC
    assert due - start.astimezone(UTC) == length


def test_working_hours_are_those_of_the_rule() -> None:
    friday = datetime(2026, 3, 27, 16, tzinfo=ZoneInfo("Europe/Berlin"))
    due = Duration.parse("4wh").after(friday, OFFICE)
    assert due == datetime(2026, 3, 30, 11, 30, tzinfo=ZoneInfo("Europe/Berlin"))


def test_without_hours_every_hour_is_one_of_work() -> None:
    assert Duration.parse("4wh").after(NOW, None) == NOW + timedelta(hours=4)

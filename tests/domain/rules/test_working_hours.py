"""Working hours: read, written, their begin and end, and sums of them."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crewgate.domain.rules.duration import NoSuchZone, WorkingHours

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
#: Clocks go forward and back at night, at midnight, by half an hour; a whole day is skipped.
ZONES: Final = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Santiago",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
)


def hours(written: str) -> WorkingHours:
    return WorkingHours.parse(written)


def is_open(office: WorkingHours, moment: datetime) -> bool:
    # In UTC, because an hour that clocks repeat equals no time of another zone (PEP 495).
    return office.next_open(moment) == moment.astimezone(UTC)


def at(text: str, zone: str = "Europe/Berlin", *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@st.composite
def any_hours(draw: st.DrawFn) -> WorkingHours:
    begin = draw(st.integers(0, 23 * 4))
    end = draw(st.integers(begin + 4, 96))
    return WorkingHours(
        days=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        begin=time(begin // 4, begin % 4 * 15),
        end=time(end // 4 % 24, end % 4 * 15),
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
    )


MOMENTS = st.datetimes(
    datetime.fromisoformat("2011-12-01"),
    datetime.fromisoformat("2027-12-31"),
    timezones=st.just(UTC),
)
LENGTHS = st.integers(1, 60 * 60).map(lambda minutes: timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "written",
    [
        "Mon-Fri 09:00-17:30 Europe/Berlin",
        "Mon-Sun 00:00-24:00 UTC",
        "Mon,Wed-Thu,Sat 08:15-12:00 America/Argentina/Buenos_Aires",
        "Sun 09:00-10:00 UTC",
    ],
)
def test_hours_are_given_back_as_they_are_written(written: str) -> None:
    assert str(hours(written)) == written


def test_hours_may_be_written_otherwise() -> None:
    assert hours("sat - mon, WED  9:00 - 17:00  UTC") == hours("Mon,Wed,Sat-Sun 09:00-17:00 UTC")


@given(any_hours())
def test_whatever_is_written_can_be_read(one: WorkingHours) -> None:
    assert hours(str(one)) == one


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "put hours like Mon-Fri 09:00-17:30 Europe/Berlin"),
        ("09:00-17:30 UTC", "not understood"),
        ("Mon-Fri 09:00-17:30", "not understood"),
        ("Mon-Fri 9-17 UTC", "not understood"),
        ("Mon-Wed-Fri 09:00-17:30 UTC", "no day of the week"),
        ("Mit 09:00-17:30 UTC", "Mit is no day of the week; put Mon, Tue"),
        ("Mon 09:00-25:00 UTC", "25:00 is no time of the day"),
        ("Mon 09:60-11:00 UTC", "09:60 is no time of the day"),
        ("Mon 22:00-06:00 UTC", "must end on the same day"),
        ("Mon 09:00-09:59 UTC", "an hour or more"),
    ],
)
def test_hours_that_cannot_be_read_are_refused(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        hours(written)


@pytest.mark.parametrize(
    "zone", ["Europe/Berln", "Europe", "../etc/passwd", "/etc/hosts", "\ud800"]
)
def test_a_time_zone_that_does_not_exist_is_refused_by_its_name(zone: str) -> None:
    with pytest.raises(NoSuchZone, match="put one like Europe/Berlin or UTC") as refused:
        hours(f"Mon-Fri 09:00-17:30 {zone}")
    assert refused.value.name == zone


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-03-02T08:59:59", "2026-03-02T09:00"),  # a Monday, before work
        ("2026-03-02T09:00", "2026-03-02T09:00"),
        ("2026-03-02T17:29:59", "2026-03-02T17:29:59"),
        ("2026-03-02T17:30", "2026-03-03T09:00"),  # after work
        ("2026-03-06T22:00", "2026-03-09T09:00"),  # at the weekend
        ("2026-03-08T12:00", "2026-03-09T09:00"),
        ("2026-03-27T18:00", "2026-03-30T09:00"),  # clocks go forward in between
        ("2026-10-23T18:00", "2026-10-26T09:00"),  # and back
    ],
)
def test_the_next_working_hour_is_the_present_one_or_the_next_that_begins(
    moment: str, opens: str
) -> None:
    office = hours("Mon-Fri 09:00-17:30 Europe/Berlin")
    assert office.next_open(at(moment)) == at(opens)
    assert is_open(office, at(moment)) is (moment == opens)
    assert office.next_open(at(moment).astimezone(UTC)) == at(opens)


def test_a_whole_day_ends_where_the_next_one_begins() -> None:
    sunday = hours("Sun 00:00-24:00 Europe/Berlin")
    assert not is_open(sunday, at("2026-03-28T23:59:59"))
    assert is_open(sunday, at("2026-03-29T00:00"))
    assert is_open(sunday, at("2026-03-29T23:59:59"))
    assert not is_open(sunday, at("2026-03-30T00:00"))


@pytest.mark.parametrize(
    ("written", "day", "length"),
    [
        ("Sun 00:00-24:00 Europe/Berlin", "2026-03-29T00:00", 23 * HOUR),
        ("Sun 00:00-24:00 Europe/Berlin", "2026-10-25T00:00", 25 * HOUR),
        ("Sun 02:30-05:00 Europe/Berlin", "2026-03-29T03:00", 2 * HOUR),  # begins at 3
        ("Sun 01:00-02:30 Europe/Berlin", "2026-03-29T01:00", HOUR),  # ends at 3
        ("Sun 01:00-02:30 Europe/Berlin", "2026-10-25T01:00", HOUR + 30 * MINUTE),
        ("Sun 02:30-04:00 Europe/Berlin", "2026-10-25T02:30", 2 * HOUR + 30 * MINUTE),
    ],
)
def test_where_clocks_change_a_day_has_the_hours_that_it_has(
    written: str, day: str, length: timedelta
) -> None:
    one = hours(written)
    begin = at(day).astimezone(UTC)
    assert one.next_open(begin - HOUR) == begin
    assert one.add(begin, length) == begin + length
    assert one.next_open(begin + length) > begin + length


def test_a_day_that_begins_at_one_o_clock_is_worked_from_there() -> None:
    """Clocks in São Paulo went from 0:00 to 1:00, and back from 24:00 to 23:00."""
    zone = "America/Sao_Paulo"
    sunday = hours(f"Sun 00:00-24:00 {zone}")
    assert sunday.next_open(at("2018-11-03T12:00", zone)) == at("2018-11-04T01:00", zone)
    saturday = hours(f"Sat 00:00-24:00 {zone}")
    # The hour before midnight comes twice, on Saturday both times.
    assert is_open(saturday, at("2019-02-16T23:30", zone))
    assert (
        saturday.add(at("2019-02-16T00:00", zone), 24 * HOUR)
        == at("2019-02-16T00:00", zone).astimezone(UTC) + 24 * HOUR
    )


def test_a_day_that_is_skipped_has_no_hours() -> None:
    """Samoa had no 30 December 2011, which would have been a Friday."""
    friday = hours("Fri 09:00-17:00 Pacific/Apia")
    assert friday.next_open(at("2011-12-26T12:00", "Pacific/Apia")) == at(
        "2012-01-06T09:00", "Pacific/Apia"
    )


def test_working_time_adds_up_over_nights_and_weekends() -> None:
    office = hours("Mon-Fri 09:00-17:30 Europe/Berlin")
    assert office.add(at("2026-03-26T15:30"), 12 * HOUR) == at("2026-03-30T10:30")
    assert office.add(at("2026-03-26T15:30"), 2 * HOUR) == at("2026-03-26T17:30")
    assert office.add(at("2026-03-28T15:30"), HOUR) == at("2026-03-30T10:00")


@given(one=any_hours(), moment=MOMENTS)
@example(hours("Sat-Sun 00:00-24:00 America/Sao_Paulo"), datetime(2019, 2, 17, 2, 30, tzinfo=UTC))
def test_the_next_open_moment_is_open_and_none_before_it_is(
    one: WorkingHours, moment: datetime
) -> None:
    opens = one.next_open(moment)
    assert opens >= moment
    assert is_open(one, opens)
    assert opens == moment or not is_open(one, moment)
    assert opens - moment <= timedelta(days=15)
    for part in (1, 2, 3):
        between = moment + (opens - moment) * part / 4
        assert opens in (moment, between) or one.next_open(between) == opens


@given(one=any_hours(), moment=MOMENTS)
def test_people_work_when_the_clock_there_says_so(one: WorkingHours, moment: datetime) -> None:
    """An hour that clocks repeat is left out: it is worked once, or both times."""
    there = moment.astimezone(one.zone)
    calm = {(there + timedelta(days=days)).utcoffset() for days in (-2, -1, 0, 1, 2)}
    if len(calm) == 1:
        end = one.end if one.end != time.min else time.max
        clock = there.time()
        assert is_open(one, moment) is (there.weekday() in one.days and one.begin <= clock < end)


@given(one=any_hours(), moment=MOMENTS, first=LENGTHS, second=LENGTHS)
def test_working_time_adds_up_in_whatever_parts(
    one: WorkingHours, moment: datetime, first: timedelta, second: timedelta
) -> None:
    part = one.add(moment, first)
    assert part - moment >= first
    assert is_open(one, part - timedelta(microseconds=1))
    assert one.add(part, second) == one.add(moment, first + second)
    assert one.add(one.next_open(moment), first) == part


@given(one=any_hours(), moments=st.tuples(MOMENTS, MOMENTS), length=LENGTHS)
def test_what_begins_later_never_ends_sooner(
    one: WorkingHours, moments: tuple[datetime, datetime], length: timedelta
) -> None:
    sooner, later = sorted(moments)
    assert one.add(sooner, length) <= one.add(later, length)


def test_the_longest_wait_is_worked_out_at_once() -> None:
    rare = hours("Mon 09:00-10:00 Europe/Berlin")
    due = rare.add(at("2026-03-02T09:00"), 1_000 * HOUR)
    assert due == at("2045-04-24T10:00")


@given(one=any_hours(), moment=MOMENTS, length=LENGTHS)
def test_the_time_between_two_moments_is_what_adds_up_to_the_second(
    one: WorkingHours, moment: datetime, length: timedelta
) -> None:
    assert one.between(moment, one.add(moment, length)) == length
    assert one.between(moment, one.next_open(moment)) == timedelta()
    assert one.between(moment, moment - length) == timedelta()

"""A rate allows a burst and then one use per interval, whoever counts at any moment."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.retry import LONGEST_ASKED, Rate
from tests.builders import NOW, SECOND

RATE = Rate(SECOND, burst=3)
MOMENTS = st.lists(st.integers(0, 20_000_000).map(lambda each: timedelta(microseconds=each)))


def test_a_burst_goes_at_once_and_then_one_an_interval() -> None:
    assert RATE.room(NOW, NOW) == 3
    paid = RATE.pay(NOW, NOW, 3)
    assert RATE.room(paid, NOW) == 0
    assert RATE.wait(paid, NOW) == SECOND
    assert RATE.room(paid, NOW + SECOND) == 1
    assert RATE.wait(paid, NOW + SECOND) == timedelta()


def test_after_a_rest_a_burst_goes_again_and_no_more() -> None:
    paid = RATE.pay(NOW, NOW, 3)
    assert RATE.room(paid, NOW + 3 * SECOND) == 3
    assert RATE.room(paid, NOW + timedelta(days=1)) == 3


def test_a_pause_ends_with_room_for_one() -> None:
    until = NOW + 5 * SECOND
    paid = RATE.paused(NOW, until)
    assert RATE.wait(paid, NOW) == 5 * SECOND
    assert RATE.room(paid, until - timedelta(microseconds=1)) == 0
    assert RATE.room(paid, until) == 1


def test_a_pause_takes_back_none_that_is_longer() -> None:
    paid = RATE.paused(NOW, NOW + 60 * SECOND)
    assert RATE.paused(paid, NOW + SECOND) == paid


def test_what_a_clock_paid_that_was_put_back_since_does_not_count() -> None:
    paused = RATE.paused(NOW, NOW + LONGEST_ASKED)
    assert RATE.believed(paused, NOW) == paused
    assert RATE.believed(NOW + timedelta(hours=6), NOW) == NOW


@given(MOMENTS)
def test_in_no_stretch_of_time_there_are_more_than_the_burst_and_one_an_interval(
    moments: list[timedelta],
) -> None:
    paid, done = NOW, []
    for moment in sorted(NOW + each for each in moments):
        room = RATE.room(paid, moment)
        assert (room == 0) == (RATE.wait(paid, moment) > timedelta())
        paid = RATE.pay(paid, moment, room)
        done += [moment] * room
    for first, start in enumerate(done):
        for last in range(first, len(done)):
            assert last - first + 1 <= RATE.burst + (done[last] - start) // RATE.interval


@given(MOMENTS)
def test_whoever_waits_as_long_as_told_has_room(moments: list[timedelta]) -> None:
    paid = NOW
    for moment in sorted(NOW + each for each in moments):
        at = moment + RATE.wait(paid, moment)
        assert RATE.room(paid, at) >= 1
        paid = RATE.pay(paid, at, 1)

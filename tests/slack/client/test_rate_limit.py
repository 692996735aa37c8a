"""A channel takes a burst and then one post a second; other channels do not wait for it."""

from datetime import timedelta

from bot.slack.client.rate_limit import Rate, RateLimiter
from tests.builders import SECOND, FakeClock

NONE = timedelta()


def test_a_burst_goes_at_once_and_then_each_has_a_turn_of_its_own() -> None:
    pacer = RateLimiter(Rate(SECOND, burst=3), clock=FakeClock())

    waits = [pacer.wait("C1", f"post {number}") for number in range(6)]

    assert waits == [NONE, NONE, NONE, SECOND, 2 * SECOND, 3 * SECOND]


def test_who_comes_back_at_the_turn_goes_and_who_comes_early_keeps_it() -> None:
    clock = FakeClock()
    pacer = RateLimiter(Rate(SECOND, burst=1), clock=clock)
    pacer.wait("C1", "first")
    assert pacer.wait("C1", "second") == SECOND
    assert pacer.wait("C1", "second") == SECOND

    clock.now += SECOND

    assert pacer.wait("C1", "second") == NONE
    assert pacer.wait("C1", "third") == SECOND


def test_another_channel_does_not_wait() -> None:
    pacer = RateLimiter(Rate(SECOND, burst=1), clock=FakeClock())
    pacer.wait("C1", "first")

    assert pacer.wait("C1", "second") == SECOND
    assert pacer.wait("C2", "third") == NONE


def test_after_a_rest_a_burst_goes_again() -> None:
    clock = FakeClock()
    pacer = RateLimiter(Rate(SECOND, burst=2), clock=clock)
    assert [pacer.wait("C1", f"{number}") for number in range(3)][-1] == SECOND

    clock.now += 10 * SECOND

    assert [pacer.wait("C1", f"later {number}") for number in range(2)] == [NONE, NONE]


def test_slacks_own_word_counts_more() -> None:
    clock = FakeClock()
    pacer = RateLimiter(Rate(SECOND, burst=2), clock=clock)
    pacer.slow_down("C1", 5 * SECOND)

    assert pacer.wait("C1", "post") == 5 * SECOND


def test_posts_that_had_a_turn_wait_for_the_end_of_the_pause_and_then_go_one_by_one() -> None:
    clock = FakeClock()
    pacer = RateLimiter(Rate(SECOND, burst=1), clock=clock)
    for number in range(4):
        pacer.wait("C1", f"{number}")
    pacer.slow_down("C1", 60 * SECOND)

    clock.now += 3 * SECOND
    assert [pacer.wait("C1", f"{number}") for number in (1, 2, 3)] == [
        57 * SECOND,
        58 * SECOND,
        59 * SECOND,
    ]

    clock.now += 57 * SECOND
    assert pacer.wait("C1", "1") == NONE
    assert pacer.wait("C1", "2") == SECOND

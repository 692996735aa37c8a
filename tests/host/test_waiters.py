"""A waiter for a decision is woken once, in a place that is reserved for it."""

import threading

import pytest

from crewgate.host.records import HostStops
from crewgate.host.run import Slots, Waiters


def test_one_alone_may_wake_who_waits() -> None:
    waiters = Waiters(Slots(1))
    assert not waiters.wake("e-1", "draft")
    waiters.open("e-1", "draft")

    assert waiters.wake("e-1", "draft")
    assert not waiters.wake("e-1", "draft")


def test_who_is_to_be_woken_waits_until_there_is_a_place() -> None:
    """The place that is taken for it would be left by nobody."""
    waiters = Waiters(Slots(0))
    waiters.open("e-1", "draft")
    waiters.wake("e-1", "draft")
    assert not waiters.withdraw("e-1", "draft")

    waiters.wait("e-1", "draft")  # its own place is the free one

    assert not waiters.wake("e-1", "draft")


def test_who_waits_no_more_is_not_woken() -> None:
    waiters = Waiters(Slots(1))
    waiters.open("e-1", "draft")

    assert waiters.withdraw("e-1", "draft")
    assert not waiters.wake("e-1", "draft")


def test_a_stop_ends_who_waits_and_who_was_about_to_be_woken() -> None:
    slots = Slots(0)
    for _ in range(2):
        slots.submit(lambda: None)  # other executions come first
    waiters = Waiters(slots)
    ended = []

    def wait(task: str) -> None:
        with pytest.raises(HostStops):
            waiters.wait("e-1", task)
        ended.append(task)

    threads = [threading.Thread(target=wait, args=(task,)) for task in ("draft", "report")]
    for task in ("draft", "report"):
        waiters.open("e-1", task)
    waiters.wake("e-1", "report")
    for thread in threads:
        thread.start()
    waiters.stop()
    for thread in threads:
        thread.join(20)
    waiters.open("e-1", "later")
    wait("later")

    assert sorted(ended) == ["draft", "later", "report"]

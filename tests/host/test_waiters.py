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


def test_an_execution_has_one_place_however_many_of_its_threads_wait() -> None:
    slots = Slots(1)
    waiters = Waiters(slots)
    began: list[str] = []

    def begin(name: str) -> None:
        slots.submit(lambda: began.append(name))

    begin("e-1")
    threads = []
    for task in "ab":
        waiters.open("e-1", task)
        threads.append(threading.Thread(target=waiters.wait, args=("e-1", task)))
        threads[-1].start()
    for name in ("e-2", "e-3"):
        begin(name)
    while len(began) < 2:
        pass
    waiters.wake("e-1", "a")
    waiters.wake("e-1", "b")
    waiters.end("e-2")
    at_once = [*began]
    waiters.end("e-3")
    for one in threads:
        one.join(20)
    begin("e-4")
    still = [*began]
    waiters.end("e-1")

    assert at_once == ["e-1", "e-2", "e-3"]
    assert still == at_once
    assert began == ["e-1", "e-2", "e-3", "e-4"]


def test_a_place_for_an_execution_that_has_ended_is_given_back() -> None:
    slots = Slots(0)
    waiters = Waiters(slots)
    waiters.open("e-1", "draft")
    thread = threading.Thread(target=waiters.wait, args=("e-1", "draft"))
    thread.start()
    began: list[str] = []
    slots.submit(lambda: began.append("e-2"))
    while not began:
        pass
    waiters.wake("e-1", "draft")
    waiters.end("e-1")
    thread.join(20)
    slots.submit(lambda: began.append("e-3"))
    waiters.end("e-2")

    assert began == ["e-2", "e-3"]


def test_a_stop_ends_who_waits_and_who_was_about_to_be_woken() -> None:
    slots = Slots(0)
    began: list[str] = []
    for _ in range(2):
        slots.submit(lambda: began.append("another"))  # other executions come first
    waiters = Waiters(slots)
    ended = []

    def wait(task: str) -> None:
        with pytest.raises(HostStops):
            waiters.wait("e-1", task)
        ended.append(task)

    threads = [threading.Thread(target=wait, args=(task,)) for task in ("draft", "report")]
    for task in ("draft", "report"):
        waiters.open("e-1", task)
    for thread in threads:
        thread.start()
    while not began:
        pass
    waiters.wake("e-1", "report")
    waiters.stop()
    for thread in threads:
        thread.join(20)
    waiters.open("e-1", "later")
    wait("later")

    assert sorted(ended) == ["draft", "later", "report"]

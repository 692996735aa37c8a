"""The bot's clock, whose steps count once they have lasted, and its threads, beside the loop."""

import asyncio
import threading
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from crewgate.domain.notification import Output
from crewgate.runtime import (
    LASTING,
    STEP,
    THREADS,
    TOLD,
    Runtime,
    SteppingClock,
    open_threads,
    steady_now,
)
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews.reader import render_reader
from crewgate.usecases.log_fields import acts_at, press_ts
from crewgate.usecases.read_models import CardView
from tests.builders import SECOND, FakeClock, a_round
from tests.worst_cases import TEXTS

DAY = timedelta(days=1)


class Machine:
    """A machine's clock that can be set, beside one that cannot."""

    def __init__(self) -> None:
        self.set_by = timedelta()
        self.steady = FakeClock()
        self.clock = SteppingClock(machine=lambda: self.steady() + self.set_by, steady=self.steady)

    def passes(self, time: timedelta) -> None:
        self.steady.advance(time)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_the_steady_clock_goes_forward() -> None:
    assert steady_now() <= steady_now()


def test_a_clock_that_is_kept_right_is_followed(machine: Machine) -> None:
    with capture_logs() as logs:
        for _ in range(10):
            machine.passes(SECOND)
            machine.set_by += STEP / 2
            assert not machine.clock.watch()
            assert machine.clock() == machine.steady() + machine.set_by
    assert machine.clock.warning is None
    assert logs == []


@pytest.mark.parametrize("days", [4, -4])
def test_a_step_that_does_not_last_changes_nothing(machine: Machine, days: int) -> None:
    with capture_logs() as logs:
        machine.set_by = days * DAY
        assert not machine.clock.watch()
        machine.passes(4 * SECOND)
        assert not machine.clock.watch()
        assert machine.clock() == machine.steady()
        assert Runtime(clock=machine.clock).stepping() is machine.clock
        says = f"this machine's clock stepped by {days * 86400:+} s"
        assert machine.clock.warning == f"{says}, which does not count yet"
        machine.set_by = timedelta()
        assert not machine.clock.watch()
        assert machine.clock.warning == says
        machine.passes(LASTING)
        assert not machine.clock.watch()
        assert machine.clock() == machine.steady()
    assert [(one["event"], one["seconds"]) for one in logs] == [("clock_stepped", days * 86400)]


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_a_step_that_lasts_counts_from_then_on(machine: Machine, by: timedelta) -> None:
    machine.set_by = by
    assert not machine.clock.watch()
    machine.passes(LASTING - SECOND)
    assert not machine.clock.watch()
    machine.passes(SECOND)
    assert machine.clock.watch()
    assert machine.clock() == machine.steady() + by
    assert not machine.clock.watch()
    machine.passes(TOLD)
    assert machine.clock.warning is None


def test_a_clock_that_steps_again_has_to_last_again(machine: Machine) -> None:
    machine.set_by = DAY
    machine.clock.watch()
    machine.passes(LASTING)
    machine.set_by = 2 * DAY
    assert not machine.clock.watch()
    assert machine.clock() == machine.steady()
    machine.passes(LASTING)
    assert machine.clock.watch()


async def test_the_loop_goes_on_while_the_worst_text_is_rendered() -> None:
    view = CardView(round=a_round(), output=Output(TEXTS[ascii("a\u200b")]()))
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE, page=1)
    with open_threads() as off_loop:
        rendering = asyncio.ensure_future(off_loop(render_reader, position, view, []))
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            if not rendering.done():
                loop.call_soon(turn)

        loop = asyncio.get_running_loop()
        loop.call_soon(turn)
        page = await rendering

    assert page.view["type"] == "modal"
    assert turns > 10


async def test_no_more_is_computed_at_once_than_there_are_threads() -> None:
    began, may_end = threading.Semaphore(0), threading.Event()

    def work(number: int, *, name: str) -> tuple[int, str, str]:
        began.release()
        may_end.wait(10)
        return number, name, threading.current_thread().name

    with open_threads() as off_loop:
        works = [asyncio.ensure_future(off_loop(work, one, name="x")) for one in range(6)]
        for _ in range(THREADS):
            await asyncio.to_thread(began.acquire)
        assert not began.acquire(blocking=False)
        may_end.set()
        found = await asyncio.gather(*works)

    assert [(number, name) for number, name, _ in found] == [(one, "x") for one in range(6)]
    assert len({thread for *_, thread in found}) <= THREADS


async def test_a_thread_knows_the_press_that_it_works_for() -> None:
    acts_at({"action_ts": "1700000000.000100"})
    with open_threads() as off_loop:
        assert await off_loop(press_ts) == "1700000000.000100"


async def test_what_goes_wrong_is_raised_where_it_is_waited_for() -> None:
    with open_threads() as off_loop, pytest.raises(ValueError, match="invalid literal"):
        await off_loop(int, "x")

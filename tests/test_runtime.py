"""The bot's clock: what the machine's says, without its steps until they have lasted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from crewgate.runtime import LASTING, STEP, TOLD, SteppingClock, steady_now
from tests.builders import SECOND, FakeClock

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

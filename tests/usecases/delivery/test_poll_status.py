"""Asking for an execution's status until it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.effects import EffectKind
from bot.domain.execution import (
    CrewUpdate,
    ExecutionState,
)
from bot.domain.notification import Output
from bot.domain.reason import ExecutionEnded, ExecutionFailed, ExecutionOver
from bot.domain.review import State
from bot.usecases.evidence import STATUS_POLL
from bot.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from bot.usecases.track import record_update
from tests.usecases.world import STATUS, World

DAY = timedelta(days=1)


async def ask(world: World, answer: Progress | CrewUnavailable) -> None:
    """The next time the crew is asked for its status."""
    world.crew.says = answer
    world.clock.advance(STATUS_POLL.longest)
    await world.turn(STATUS)
    await world.settle_slack()


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (
            Progress(CrewStatus.COMPLETED, "completed", None, 3, 3, result=Output("All of it.")),
            ExecutionState.COMPLETED,
            ExecutionEnded(),
        ),
        (
            Progress(CrewStatus.FAILED, "error", error="out of tokens"),
            ExecutionState.FAILED,
            ExecutionFailed("out of tokens"),
        ),
        (Progress(CrewStatus.FAILED, "error"), ExecutionState.FAILED, ExecutionFailed()),
    ],
)
async def test_the_end_closes_what_waits_and_is_said_once(
    world: World,
    answer: Progress | CrewUnavailable,
    state: ExecutionState,
    reason: ExecutionOver,
) -> None:
    await world.start()
    round_ = (await world.notify()).round
    await world.settle_slack()
    await ask(world, Progress(CrewStatus.RUNNING, "running", "plan", 1, 3))
    assert world.slack.updates[-1].execution.current_task == "plan"
    await ask(world, CrewUnavailable("connection refused"))

    await ask(world, answer)
    await world.record(CrewUpdate(result=Output("late"), tokens=9))
    await world.settle_slack()

    closed = await world.round(round_.id)
    assert (closed.state, closed.reason) == (State.CLOSED, reason)
    assert (await world.execution()).state is state
    assert (await world.execution()).tokens == 9
    assert world.messages_said().count(EffectKind.POST_RESULT) == 1
    assert not await world.lease(STATUS)


async def test_asking_stops_at_the_end_and_after_two_weeks(world: World) -> None:
    await world.start()
    world.clock.advance(STATUS_POLL.give_up_after * 2)
    await world.turn(STATUS)
    world.clock.advance(DAY)
    assert not await world.lease(STATUS)

    await world.start("e-2")
    await record_update(
        "research",
        "e-2",
        CrewUpdate(result=Output("x")),
        uow=world.uow,
        at=world.clock(),
        new_id=world.new_id,
    )
    world.clock.advance(DAY)
    await world.turn(STATUS)
    world.clock.advance(DAY)
    assert not await world.lease(STATUS)

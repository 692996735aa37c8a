"""Asking for an execution's status until it is over."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import GONE_ANSWERS, CrewUpdate, ExecutionState
from crewgate.domain.notification import Output
from crewgate.domain.reason import ExecutionEnded, ExecutionFailed, ExecutionOver
from crewgate.domain.review import State
from crewgate.usecases.delivery.polling import poll_status
from crewgate.usecases.ports.store import Tx, UnitOfWork
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from crewgate.usecases.track import FIRST_POLL_WITHIN, PAUSED_POLL, STATUS_POLL, record_update
from tests.usecases.world import CREW, STATUS, World

DAY = timedelta(days=1)


async def ask(world: World, answer: Progress | CrewUnavailable) -> None:
    """Ask the crew for its status the next time."""
    world.crew.says = answer
    world.clock.advance(PAUSED_POLL)
    await world.turn(STATUS)
    await world.settle_slack()


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (
            Progress(
                status=CrewStatus.COMPLETED,
                word="completed",
                current_task=None,
                completed_tasks=3,
                total_tasks=3,
                result=Output("All of it."),
            ),
            ExecutionState.COMPLETED,
            ExecutionEnded(),
        ),
        (
            Progress(status=CrewStatus.FAILED, word="error", error="out of tokens"),
            ExecutionState.FAILED,
            ExecutionFailed("out of tokens", while_waiting=True),
        ),
        (
            Progress(status=CrewStatus.FAILED, word="error"),
            ExecutionState.FAILED,
            ExecutionFailed(while_waiting=True),
        ),
        (
            Progress(status=CrewStatus.COMPLETED, word="completed", result=Output(" ")),
            ExecutionState.COMPLETED,
            ExecutionEnded(while_waiting=True),
        ),
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
    await ask(
        world,
        Progress(
            status=CrewStatus.RUNNING,
            word="running",
            current_task="plan",
            completed_tasks=1,
            total_tasks=3,
        ),
    )
    assert world.slack.updates[-1].execution.current_task == "plan"
    await ask(world, CrewUnavailable("connection refused"))

    for _ in range(GONE_ANSWERS):
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


@dataclass
class Overtaken:
    """Transactions that another transaction comes before."""

    uow: UnitOfWork
    by: Callable[[], Awaitable[object]]

    @property
    def read(self) -> Any:
        return self.uow.read

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        await self.by()
        async with self.uow.begin() as tx:
            yield tx


async def test_one_that_is_reopened_while_its_end_is_seen_is_asked_about(world: World) -> None:
    await world.notify()
    await world.record(CrewUpdate(result=Output("All of it.")))
    world.clock.advance(PAUSED_POLL)
    (job,) = await world.lease(STATUS)
    overtaken: Any = Overtaken(world.context.uow, partial(world.notify, "Another draft."))

    await poll_status(job, replace(world.context, uow=overtaken))

    assert (await world.execution()).state is ExecutionState.RUNNING
    world.clock.advance(STATUS_POLL.first)
    assert len(await world.lease(STATUS)) == 1


async def test_a_reason_to_ask_soon_counts_also_while_the_crew_is_asked(world: World) -> None:
    """It goes on at once when it has taken the decision."""
    world.crew.says = RUNNING
    world.crew.pause()
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    world.clock.advance(PAUSED_POLL)

    async def meanwhile(_: str) -> None:
        world.crew.on_status = None
        await world.turn(CREW)

    world.crew.on_status = meanwhile
    await world.turn(STATUS)
    assert (await world.round(round_.id)).state is State.RESUMED
    world.clock.advance(STATUS_POLL.first)
    assert len(await world.turn(STATUS)) == 1


async def test_it_goes_on_for_two_weeks_after_it_was_hastened(world: World) -> None:
    world.crew.pause()
    round_ = (await world.notify()).round
    world.clock.advance(STATUS_POLL.give_up_after - DAY)
    await world.turn(STATUS)
    await world.decide(round_.id)
    await world.turn(CREW)  # which asks soon, for it goes on
    world.clock.advance(2 * DAY)
    await world.turn(STATUS)
    world.clock.advance(DAY)
    assert await world.lease(STATUS)


# --- while a person is waited for ---

RUNNING = Progress(
    status=CrewStatus.RUNNING,
    word="running",
    current_task="draft",
    completed_tasks=1,
    total_tasks=3,
)


async def polls(world: World, within: timedelta) -> int:
    """Return how often the crew is asked in this time, in steps of ten seconds."""
    asked = 0
    for _ in range(within // timedelta(seconds=10)):
        world.clock.advance(timedelta(seconds=10))
        asked += len(await world.turn(STATUS))
    return asked


async def test_an_execution_that_waits_for_a_person_is_asked_soon_and_then_hourly(
    world: World,
) -> None:
    world.crew.says = RUNNING
    await world.notify()
    assert await polls(world, STATUS_POLL.first + FIRST_POLL_WITHIN + timedelta(seconds=10)) == 1
    assert await polls(world, PAUSED_POLL - timedelta(minutes=2)) == 0
    assert await polls(world, timedelta(minutes=4)) == 1


async def test_what_was_started_here_is_asked_about_at_once_whoever_started_it(
    world: World,
) -> None:
    world.crew.says = RUNNING
    await world.kick_off(("started_by", "ana@example.com"), execution="e-1")
    await world.kick_off(execution="e-2")
    world.clock.advance(STATUS_POLL.first)
    assert len(await world.turn(STATUS)) == 2


async def test_it_is_asked_soon_again_when_the_crew_has_taken_the_decision(world: World) -> None:
    world.crew.says = RUNNING
    round_ = (await world.notify()).round
    await polls(world, timedelta(minutes=10))
    world.crew.pause()
    await world.decide(round_.id)
    await world.turn(CREW)
    assert await polls(world, timedelta(seconds=10)) == 1
    assert await polls(world, timedelta(minutes=10)) > 2


async def test_a_burst_of_notifications_is_not_asked_about_in_a_burst(world: World) -> None:
    world.crew.says = RUNNING
    for number in range(40):
        await world.notify(execution_id=f"e-{number}")
    asked = [await polls(world, timedelta(seconds=10)) for _ in range(7)]
    assert sum(asked) == 40
    assert max(asked) <= 20


async def test_one_that_the_crew_does_not_know_is_asked_about_soon(world: World) -> None:
    world.crew.says = CrewUnavailable("no such execution", gone=True)
    await world.notify()
    assert await polls(world, timedelta(minutes=10)) > 2

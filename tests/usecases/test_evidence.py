"""Decisions that are stuck in doubt are settled by the first evidence that the crew went on."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.execution import (
    GONE_ANSWERS,
    CrewUpdate,
    ExecutionState,
    StepUpdate,
    TaskUpdate,
)
from crewgate.domain.notification import Output
from crewgate.domain.outcome import Refused, ResumeStatus
from crewgate.domain.reason import Answered, Inferred
from crewgate.domain.review import Round, State
from crewgate.usecases.delivery.context import GRACE
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from crewgate.usecases.track import PAUSED_POLL, STATUS_POLL
from tests.builders import SECOND
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.world import CREW, STATUS, World

pytestmark = both

DRAFTING = Progress(
    status=CrewStatus.RUNNING,
    word="running",
    current_task="draft",
    completed_tasks=0,
    total_tasks=3,
)
PLANNING = replace(DRAFTING, current_task="plan")
COMPLETED = Progress(status=CrewStatus.COMPLETED, word="completed")
HOUR = timedelta(hours=1)


async def get_stuck(world: World, round_id: str, *, in_doubt: bool = True) -> None:
    """The decision is refused, after a try whose answer was lost."""
    if in_doubt:
        world.crew.faults.append(Fault(LOST, after=True))
        await world.turn(CREW)
        world.clock.advance(GRACE)
    world.crew.faults.append(Fault(Refused("400", "body wrong")))
    await world.turn(CREW)
    stuck = await world.round(round_id)
    assert (stuck.state, stuck.in_doubt) == (State.STUCK, in_doubt)


async def ask(world: World, answer: Progress | CrewUnavailable) -> None:
    """The next time the crew is asked for its status."""
    world.crew.says = answer
    world.clock.advance(PAUSED_POLL)
    await world.turn(STATUS)


async def was_asked(world: World, execution_id: str = "e-1") -> None:
    """The crew was asked for the status while it waits."""
    at = world.clock()
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", execution_id, at=at)
        asked = execution.update_progress(
            completed_tasks=0,
            total_tasks=3,
            current_task="draft",
            asked_at=at,
            asked_activity=execution.activity_count,
        )
        await tx.executions.save(asked)


EVIDENCE: dict[str, Callable[[World], Awaitable[object]]] = {
    "the same task's next output": lambda world: world.notify("Short draft."),
    "another task's output": lambda world: world.notify("A plan.", task_id="plan"),
    "a finished task": lambda world: world.record(TaskUpdate(title="draft")),
    "a step": lambda world: world.record(StepUpdate(doing="thinking")),
    "the result": lambda world: world.record(CrewUpdate(result=Output("Done."))),
    "a status: completed": lambda world: ask(world, replace(COMPLETED, result=Output("Done."))),
}


@pytest.mark.parametrize("evidence", EVIDENCE)
async def test_evidence_settles_what_is_stuck_in_doubt(
    world: World, decided: Round, evidence: str
) -> None:
    await get_stuck(world, decided.id)
    await EVIDENCE[evidence](world)
    taken = await world.round(decided.id)
    assert (taken.state, taken.reason) == (State.RESUMED, Inferred())
    await world.settle_slack()
    assert world.slack.card(decided.id).shows == taken


@pytest.mark.parametrize("evidence", ["another task's output", "a finished task", "a step"])
async def test_what_was_surely_not_taken_stays_stuck(
    world: World, decided: Round, evidence: str
) -> None:
    await get_stuck(world, decided.id, in_doubt=False)
    await EVIDENCE[evidence](world)
    assert (await world.round(decided.id)).state is State.STUCK


async def test_a_duplicate_is_no_evidence(world: World) -> None:
    world.crew.pause()
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    await get_stuck(world, round_.id)
    assert not (await world.notify()).accepted
    assert (await world.round(round_.id)).state is State.STUCK


# --- the crew's status ---


async def test_a_status_that_left_the_task_since_the_pause_is_evidence(
    world: World, decided: Round
) -> None:
    await was_asked(world)
    world.crew.says = DRAFTING
    await get_stuck(world, decided.id)
    await ask(world, DRAFTING)
    assert (await world.round(decided.id)).state is State.STUCK
    await ask(world, CrewUnavailable("away"))
    assert (await world.round(decided.id)).state is State.STUCK
    await ask(world, PLANNING)
    assert (await world.round(decided.id)).reason == Inferred()


async def test_a_status_that_moved_before_the_pause_is_none(world: World) -> None:
    await world.start()
    await ask(world, replace(DRAFTING, current_task="research"))
    world.crew.says = None
    world.clock.advance(SECOND)
    world.crew.pause()
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    await get_stuck(world, round_.id)
    await ask(world, DRAFTING)
    assert (await world.round(round_.id)).state is State.STUCK
    assert (await world.execution()).stuck_in_doubt
    await ask(world, PLANNING)
    assert (await world.round(round_.id)).state is State.RESUMED
    assert not (await world.execution()).stuck_in_doubt


@pytest.mark.parametrize("answer", [COMPLETED, replace(COMPLETED, result=Output(" "))])
async def test_completed_without_a_result_is_one_once_it_is_repeated(
    world: World, decided: Round, answer: Progress
) -> None:
    """Anything in front of the crew may say so of an execution that waits for the decision."""
    await get_stuck(world, decided.id)
    for _ in range(GONE_ANSWERS - 1):
        await ask(world, answer)
        assert (await world.round(decided.id)).state is State.STUCK
    await ask(world, answer)
    assert (await world.round(decided.id)).reason == Inferred()


async def test_completed_without_a_result_saves_no_other_try(world: World, decided: Round) -> None:
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    world.crew.says = COMPLETED
    world.clock.advance(GRACE)
    await world.turn(STATUS)
    await world.turn(CREW)
    assert len(world.crew.taken) == 1
    assert (await world.round(decided.id)).reason == Answered("Thank you.", ResumeStatus.RETRYING)
    assert (await world.execution()).state is ExecutionState.RUNNING


async def test_a_clock_that_is_put_back_makes_none_of_what_was_before_the_pause(
    world: World,
) -> None:
    await world.start()
    await ask(world, replace(DRAFTING, current_task="research"))
    world.clock.advance(-HOUR)
    world.crew.says = None
    world.crew.pause()
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    await get_stuck(world, round_.id)
    await ask(world, PLANNING)
    assert (await world.round(round_.id)).state is State.STUCK


async def test_nor_does_it_hold_one_up(world: World) -> None:
    world.crew.pause()
    round_ = (await world.notify()).round
    await was_asked(world)
    world.clock.advance(-HOUR)
    await world.decide(round_.id)
    world.crew.says = DRAFTING
    await get_stuck(world, round_.id)
    world.crew.says = PLANNING
    world.clock.advance(STATUS_POLL.first)
    await world.turn(STATUS)
    assert (await world.round(round_.id)).reason == Inferred()


async def test_an_answer_to_a_question_from_before_the_pause_is_none(world: World) -> None:
    """It tells of an earlier time, so later answers cannot be compared with it."""

    async def on_status(_: str) -> None:
        world.crew.on_status = None
        world.crew.pause()
        await world.notify()

    await world.start()
    world.crew.on_status = on_status
    await ask(world, DRAFTING)
    world.crew.says = None
    [round_] = await world.waiting()
    await world.decide(round_.id)
    await get_stuck(world, round_.id)
    await ask(world, PLANNING)
    assert (await world.round(round_.id)).state is State.STUCK


async def test_a_status_that_moved_saves_another_try(world: World, decided: Round) -> None:
    await was_asked(world)
    world.crew.faults.append(Fault(LOST, after=True))
    await world.turn(CREW)
    world.crew.says = PLANNING
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(decided.id)).reason == Inferred()
    assert len(world.crew.asked) == 1


async def test_an_answer_that_a_later_one_overtook_counts_for_nothing(
    world: World, decided: Round
) -> None:
    """Two ask at once; the crew answers the second one first."""

    async def on_status(_: str) -> None:
        world.crew.on_status = None
        async with world.uow.begin() as tx:
            execution = await tx.executions.open("research", "e-1", at=world.clock())
            later = execution.update_progress(
                completed_tasks=0,
                total_tasks=3,
                current_task="plan",
                asked_at=world.clock() + SECOND,
                asked_activity=execution.activity_count,
            )
            await tx.executions.save(later)

    await get_stuck(world, decided.id)
    world.crew.on_status = on_status
    await ask(world, DRAFTING)
    assert (await world.round(decided.id)).state is State.STUCK
    assert (await world.execution()).current_task == "plan"


async def test_only_rounds_that_were_there_when_it_was_asked_are_settled(
    world: World, decided: Round
) -> None:
    await was_asked(world)
    await get_stuck(world, decided.id)
    world.clock.advance(SECOND)
    world.crew.pause(task="plan")
    other = (await world.notify("A plan.", task_id="plan")).round
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", "e-1", at=world.clock())
        stuck = replace(
            (await tx.round(other.id)),
            state=State.STUCK,
            decision=decided.decision,
            in_doubt_since=world.clock(),
        )
        await tx.save(stuck)
        await tx.executions.save(replace(execution, stuck_in_doubt=True))
    await ask(world, PLANNING)
    assert (await world.round(other.id)).state is State.STUCK

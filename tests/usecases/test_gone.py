"""Executions that a crew does not know, or calls over while they wait: never for good."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.effects import SLACK, TIMER, EffectKind
from crewgate.domain.errors import InvalidTransition, NotAReviewer
from crewgate.domain.execution import (
    GONE_AFTER,
    GONE_ANSWERS,
    CrewUpdate,
    ExecutionState,
    StepUpdate,
    TaskUpdate,
)
from crewgate.domain.notification import Output
from crewgate.domain.outcome import Refused
from crewgate.domain.people import User
from crewgate.domain.reason import ExecutionEnded, ExecutionGone, Inferred
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation
from crewgate.domain.verdict import Answer
from crewgate.usecases.decide import reopen
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from crewgate.usecases.track import STATUS_POLL
from tests.builders import ANA, EVE, SECOND, a_rule
from tests.usecases.faults import Fault
from tests.usecases.timed import HOUR, REMINDED, after
from tests.usecases.world import CREW, STATUS, World

NOT_FOUND = CrewUnavailable("404: not found", gone=True)
RUNNING = Progress(
    status=CrewStatus.RUNNING,
    word="running",
    current_task="draft",
    completed_tasks=0,
    total_tasks=3,
)
MINUTE = timedelta(minutes=1)


async def ask(
    world: World, answer: Progress | CrewUnavailable, *, after: timedelta = STATUS_POLL.longest
) -> None:
    """The next time the crew is asked for its status."""
    world.crew.says = answer
    world.clock.advance(after)
    await world.turn(STATUS)
    await world.settle_slack()


async def state(world: World) -> ExecutionState:
    return (await world.execution()).state


async def a_waiting_round(world: World) -> Round:
    await world.start()
    round_ = (await world.notify()).round
    await world.settle_slack()
    return round_


async def lose(world: World) -> None:
    """The crew says for long enough that it does not know the execution."""
    for _ in range(5):
        await ask(world, NOT_FOUND)
    assert await state(world) is ExecutionState.GONE


async def test_a_404_closes_nothing_before_it_was_said_several_times_for_a_while(
    world: World,
) -> None:
    round_ = await a_waiting_round(world)
    await ask(world, NOT_FOUND)
    for _ in range(2):
        await ask(world, NOT_FOUND)
        assert (await world.round(round_.id)).state is State.WAITING
    await ask(world, NOT_FOUND)
    closed = await world.round(round_.id)
    assert (closed.state, closed.reason) == (State.CLOSED, ExecutionGone())
    assert await state(world) is ExecutionState.GONE
    assert world.messages_said().count(EffectKind.POST_RESULT) == 1


async def test_two_404s_far_apart_are_too_few(world: World) -> None:
    await a_waiting_round(world)
    await ask(world, NOT_FOUND)
    for _ in range(GONE_ANSWERS - 2):
        await ask(world, NOT_FOUND, after=GONE_AFTER * 4)
        assert await state(world) is ExecutionState.RUNNING
    await ask(world, NOT_FOUND)
    assert await state(world) is ExecutionState.GONE


async def test_an_answer_in_between_begins_the_count_anew(world: World) -> None:
    await a_waiting_round(world)
    for _ in range(3):
        await ask(world, NOT_FOUND)
    await ask(world, RUNNING)
    for _ in range(3):
        await ask(world, NOT_FOUND)
    assert await state(world) is ExecutionState.RUNNING


async def test_a_404_that_is_not_the_crews_own_never_counts(world: World) -> None:
    round_ = await a_waiting_round(world)
    for _ in range(10):
        await ask(world, CrewUnavailable("404: no healthy upstream"))
    assert (await world.round(round_.id)).state is State.WAITING


async def test_what_is_gone_is_closed_and_said_once(world: World) -> None:
    await a_waiting_round(world)
    await lose(world)
    await lose(world)
    assert world.messages_said().count(EffectKind.POST_RESULT) == 1


@pytest.mark.parametrize("is_begun", [False, True], ids=["", "by a worker that stops"])
async def test_one_that_comes_back_and_ends_before_slack_is_told_is_said_to_end_once(
    world: World, *, is_begun: bool
) -> None:
    await a_waiting_round(world)
    world.crew.says = NOT_FOUND
    for _ in range(5):
        world.clock.advance(STATUS_POLL.longest)
        await world.turn(STATUS)
    if is_begun:
        assert "post_result" in {job.effect.kind.value for job in await world.lease(SLACK)}
    await world.record_update(ended="completed")
    world.clock.advance(LEASE)
    await world.settle_slack()
    assert await state(world) is ExecutionState.COMPLETED
    assert world.messages_said().count(EffectKind.POST_RESULT) == 1


FAILED = Progress(status=CrewStatus.FAILED, word="error", error="upstream")
COMPLETED = Progress(status=CrewStatus.COMPLETED, word="completed")
OVER = pytest.mark.parametrize("answer", [FAILED, COMPLETED])


@OVER
async def test_one_stray_status_closes_nothing_that_waits(world: World, answer: Progress) -> None:
    round_ = await a_waiting_round(world)
    for _ in range(2):
        await ask(world, answer)
        await ask(world, answer)
        await ask(world, RUNNING)
    assert (await world.round(round_.id)).state is State.WAITING
    assert await state(world) is ExecutionState.RUNNING
    assert EffectKind.POST_RESULT not in world.messages_said()


@OVER
async def test_a_status_that_says_for_a_while_that_it_is_over_closes_what_waits(
    world: World, answer: Progress
) -> None:
    """It is asked for soon again, and a person who knows better reopens it, again and again."""
    round_ = await a_waiting_round(world)
    for _ in range(2):
        for _ in range(3):
            await ask(world, answer)
            assert (await world.round(round_.id)).state is State.WAITING
        await ask(world, answer)
        closed = await world.round(round_.id)
        assert (closed.state, closed.can_reopen) == (State.CLOSED, True)
        assert not await world.lease(STATUS)
        back = await reopen(round_.id, by=ANA, context=world.reviews)
        assert (back.state, back.reason) == (State.WAITING, None)
        world.clock.advance(-STATUS_POLL.first)
    await ask(world, RUNNING)
    assert await state(world) is ExecutionState.RUNNING


@OVER
async def test_what_is_stuck_is_not_closed_by_a_stray_status_either(
    world: World, answer: Progress
) -> None:
    round_ = await a_waiting_round(world)
    await world.decide(round_.id)
    world.crew.faults.append(Fault(Refused("422", "")))
    await world.turn(CREW)
    await ask(world, answer)
    assert (await world.round(round_.id)).state is State.STUCK
    for _ in range(3):
        await ask(world, answer)
    assert (await world.round(round_.id)).can_reopen
    assert (await reopen(round_.id, by=ANA, context=world.reviews)).state is State.STUCK


async def test_what_nobody_waits_for_ends_at_once(world: World) -> None:
    await world.start()
    await ask(world, FAILED)
    assert await state(world) is ExecutionState.FAILED


async def test_a_newer_output_takes_the_place_of_what_a_stray_status_closed(world: World) -> None:
    round_ = await a_waiting_round(world)
    for _ in range(4):
        await ask(world, FAILED)
    newer = (await world.notify("Another draft.")).round
    assert (await world.round(round_.id)).state is State.SUPERSEDED
    assert (newer.state, await state(world)) == (State.WAITING, ExecutionState.RUNNING)


# --- and back ---

EVIDENCE: dict[str, Callable[[World], Awaitable[object]]] = {
    "another task's output": lambda world: world.notify("A plan.", task_id="plan"),
    "a finished task": lambda world: world.record(TaskUpdate(title="research")),
    "a step": lambda world: world.record(StepUpdate(doing="thinking")),
    "a status": lambda world: ask(world, RUNNING),
    "Reopen": lambda world: reopen("id-002", by=ANA, context=world.reviews),
}


@pytest.mark.parametrize("evidence", EVIDENCE)
async def test_it_waits_again_once_the_crew_knows_it(world: World, evidence: str) -> None:
    round_ = await a_waiting_round(world)
    assert round_.id == "id-002"
    await lose(world)

    await EVIDENCE[evidence](world)

    back = await world.round(round_.id)
    assert (back.state, back.reason, back.ended_at) == (State.WAITING, None, None)
    assert await state(world) is ExecutionState.RUNNING
    await world.settle_slack()
    assert world.slack.card(round_.id).shows == back
    world.crew.pause()
    await world.decide(round_.id)
    await world.turn(CREW)
    assert (await world.round(round_.id)).state is State.RESUMED


async def test_others_are_called_once_it_is_back_if_they_could_not_be_before(
    world: World,
) -> None:
    rule = a_rule(escalate=Escalation(Duration.parse("1h"), (User(EVE.id),)))
    world.crews["research"] = replace(world.crews["research"], rules=(rule,))
    round_ = await a_waiting_round(world)
    world.clock.advance(timedelta(hours=1))
    await world.turn(TIMER)
    world.slack.faults.extend([Fault(Refused("is_archived", "archived"))] * 99)
    await lose(world)
    world.slack.faults.clear()
    await ask(world, RUNNING)
    assert (await world.round(round_.id)).state is State.WAITING
    assert len(world.slack.keyed(f"escalated {round_.id}")) == 1


async def test_a_newer_output_takes_its_place(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    newer = (await world.notify("Another draft.")).round
    assert (await world.round(round_.id)).state is State.SUPERSEDED
    assert (newer.number, newer.state) == (2, State.WAITING)
    assert await state(world) is ExecutionState.RUNNING


async def test_the_result_comes_after_all(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    await world.record(CrewUpdate(result=Output("All of it.")))
    await world.settle_slack()
    assert (await world.round(round_.id)).reason == ExecutionEnded()
    assert await state(world) is ExecutionState.COMPLETED
    assert world.messages_said().count(EffectKind.POST_RESULT) == 2


async def test_it_is_closed_again_if_the_crew_goes_on_not_knowing_it(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    await reopen(round_.id, by=ANA, context=world.reviews)
    await ask(world, NOT_FOUND)
    assert (await world.round(round_.id)).state is State.WAITING
    await lose(world)
    assert (await world.round(round_.id)).state is State.CLOSED


async def test_it_is_asked_for_once_at_a_time_whatever_reopens_it(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    await reopen(round_.id, by=ANA, context=world.reviews)
    world.clock.advance(STATUS_POLL.first)
    assert len(await world.lease(STATUS)) == 1


async def test_what_was_stuck_is_stuck_again(world: World) -> None:
    round_ = await a_waiting_round(world)
    await world.decide(round_.id)
    world.crew.faults.append(Fault(Refused("404", "")))
    await world.turn(CREW)
    await lose(world)
    assert (await world.round(round_.id)).state is State.CLOSED

    await reopen(round_.id, by=ANA, context=world.reviews)

    assert (await world.round(round_.id)).state is State.STUCK
    world.crew.pause()
    await world.retry(round_.id)
    await world.turn(CREW)
    assert (await world.round(round_.id)).state is State.RESUMED


async def test_what_may_have_been_taken_is_settled_by_the_evidence_that_reopens_it(
    world: World,
) -> None:
    round_ = await a_waiting_round(world)
    await world.decide(round_.id)
    world.crew.faults.append(Fault(Refused("404", "")))
    async with world.uow.begin() as tx:
        await tx.save(
            (await tx.round(round_.id)).begin_sending(world.clock(), activity_count=1, alone=True)
        )
    await world.turn(CREW)
    await lose(world)
    await world.record(TaskUpdate(title="draft"))
    assert (await world.round(round_.id)).reason == Inferred()


# --- the button ---


async def test_a_bot_that_stood_still_leaves_a_reopened_round_to_its_new_reminders(
    world: World,
) -> None:
    """It posts the second of the old reminders, and meanwhile the first of the new is posted."""
    slow = world.slow_down()
    world.crews["research"] = replace(world.crews["research"], rules=(REMINDED,))
    round_ = await a_waiting_round(world)
    await after(world, 2 * HOUR)
    world.clock.advance(2 * HOUR)
    await world.turn(TIMER)

    async def it_ends_and_comes_back() -> None:
        await lose(world)
        await reopen(round_.id, by=ANA, context=world.reviews)
        await after(world, 2 * HOUR)

    slow.meanwhile = it_ends_and_comes_back
    await world.turn("posts:research")
    assert (await world.round(round_.id)).reminders == 1
    for _ in range(8):
        await after(world, HOUR)
    assert (await world.round(round_.id)).reminders == 3


async def test_only_reviewers_reopen(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    with pytest.raises(NotAReviewer):
        await reopen(round_.id, by=EVE, context=world.reviews)


async def test_an_operator_reopens_too(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    world.crews["research"] = replace(world.crews["research"], operators=(User(EVE.id),))
    reopened = await reopen(round_.id, by=EVE, context=world.reviews)
    assert reopened.state is State.WAITING


async def test_what_is_not_closed_as_gone_is_not_reopened(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    newer = (await world.notify("Another draft.")).round
    with pytest.raises(InvalidTransition):
        await reopen(round_.id, by=ANA, context=world.reviews)
    await world.record(CrewUpdate(result=Output("All of it.")))
    with pytest.raises(InvalidTransition):
        await reopen(newer.id, by=ANA, context=world.reviews)


async def test_a_card_of_an_earlier_version_is_not_reopened_beside_a_newer_one(
    world: World,
) -> None:
    """Those did not end what was closed when a newer output came."""
    round_ = await a_waiting_round(world)
    await lose(world)
    await world.notify("Another draft.")
    async with world.uow.begin() as tx:
        old = await tx.round(round_.id)
        await tx.save(replace(old, state=State.CLOSED, reason=ExecutionGone()))
    world.clock.advance(SECOND)
    with pytest.raises(InvalidTransition):
        await reopen(round_.id, by=ANA, context=world.reviews)


async def test_what_a_flow_asks_is_not_closed_by_a_404_to_another_question(world: World) -> None:
    """Its request knows best: an answer to one that is gone is refused."""
    asked = (await world.ask()).round
    await world.settle_slack()
    for _ in range(6):
        await ask(world, NOT_FOUND)
    assert (await world.round(asked.id)).state is State.WAITING
    assert (await world.execution("f-1")).state is ExecutionState.RUNNING
    await world.decide(asked.id, Answer("approved", is_label=True))
    await world.turn(CREW)
    assert (await world.round(asked.id)).state is State.RESUMED
    await ask(world, NOT_FOUND)
    assert (await world.execution("f-1")).state is ExecutionState.GONE

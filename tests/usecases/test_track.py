"""Tracking an execution to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.effects import SLACK, Effect, EffectKind, forward_destination
from bot.domain.execution import (
    CrewUpdate,
    Execution,
    ExecutionState,
    ExecutionUpdate,
    StepUpdate,
    TaskUpdate,
)
from bot.domain.notification import Output, WebhookUrls
from bot.domain.outcome import Delivered, NotSent, RefusalKind, Refused, Unknown
from bot.domain.reason import ExecutionEnded, ExecutionFailed, ExecutionGone, ExecutionOver
from bot.domain.review import State
from bot.usecases.queries.crews import overview
from bot.usecases.read_models import CrewStatus, CrewUnavailable, ForwardedWebhook, Progress
from bot.usecases.track import STATUS_POLL, record_update, track
from tests.builders import ANA
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
FORWARD = forward_destination("research")


async def start(world: World, execution: str = "e-1") -> None:
    async with world.uow.begin() as tx:
        inputs = (("topic", "tea"),)
        at = world.clock()
        opened = await tx.executions.open("research", execution, at=at)
        await track(tx, opened, starter=ANA, inputs=inputs, at=at)


async def record(world: World, update: ExecutionUpdate) -> None:
    at = world.clock()
    await record_update("research", "e-1", update, uow=world.uow, at=at, new_id=world.new_id)


async def recorded(world: World) -> Execution:
    found = await world.uow.read.executions.find("research", "e-1")
    assert found is not None
    return found


def said(world: World) -> list[EffectKind]:
    return [message.what for message in world.slack.said]


async def ask(world: World, answer: Progress | CrewUnavailable) -> None:
    """The next time the crew is asked for its status."""
    world.crew.says = answer
    world.clock.advance(STATUS_POLL.longest)
    await world.turn(CREW)
    await world.settle_slack()


async def test_the_thread_begins_with_who_started_it(world: World) -> None:
    await start(world)
    await world.settle_slack()
    await world.notify()
    await world.settle_slack()

    [first] = world.slack.said
    assert (first.what, first.execution.starter) == (EffectKind.PROGRESS, ANA)
    assert world.slack.messages[0].ref.thread_ts == first.ref.ts


async def test_what_came_before_the_kickoffs_answer_is_shown_after_it(world: World) -> None:
    await record(world, TaskUpdate(title="plan"))
    await record(world, CrewUpdate(result=Output("All of it."), tokens=7))
    await world.settle_slack()
    assert not world.slack.said

    await start(world)
    await world.settle_slack()

    assert said(world) == [EffectKind.PROGRESS, EffectKind.TASK_DONE, EffectKind.POST_RESULT]
    assert (await recorded(world)).tokens == 7


async def test_tasks_refresh_the_progress_message_and_steps_do_not(world: World) -> None:
    await start(world)
    await world.settle_slack()
    await record(world, StepUpdate(doing="thinking"))
    await world.settle_slack()
    assert not world.slack.updates
    await record(world, TaskUpdate(title="plan"))
    await world.settle_slack()

    assert world.slack.updates[-1].completed_tasks == 1
    assert (await recorded(world)).step == "thinking"
    assert await world.uow.read.executions.find("research", "e-2") is None


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
        (CrewUnavailable("404: not found", gone=True), ExecutionState.GONE, ExecutionGone()),
    ],
)
async def test_the_end_closes_what_waits_and_is_said_once(
    world: World,
    answer: Progress | CrewUnavailable,
    state: ExecutionState,
    reason: ExecutionOver,
) -> None:
    await start(world)
    round_ = (await world.notify()).round
    await world.settle_slack()
    await ask(world, Progress(CrewStatus.RUNNING, "running", "plan", 1, 3))
    assert world.slack.updates[-1].current_task == "plan"
    await ask(world, CrewUnavailable("connection refused"))

    await ask(world, answer)
    await record(world, CrewUpdate(result=Output("late"), tokens=9))
    await world.settle_slack()

    closed = await world.round(round_.id)
    assert (closed.state, closed.reason) == (State.CLOSED, reason)
    assert (await recorded(world)).state is state
    assert (await recorded(world)).tokens == 9
    assert said(world).count(EffectKind.POST_RESULT) == 1
    assert not await world.lease(CREW)


async def test_a_404_right_after_the_start_closes_nothing(world: World) -> None:
    await start(world)
    round_ = (await world.notify()).round
    world.crew.says = CrewUnavailable("404: not found", gone=True)

    world.clock.advance(STATUS_POLL.first)
    await world.turn(CREW)

    assert (await world.round(round_.id)).state is State.WAITING
    assert (await recorded(world)).state is ExecutionState.RUNNING


async def test_asking_stops_at_the_end_and_after_two_weeks(world: World) -> None:
    await start(world)
    world.clock.advance(STATUS_POLL.give_up_after * 2)
    await world.turn(CREW)
    world.clock.advance(DAY)
    assert not await world.lease(CREW)

    await start(world, "e-2")
    await record_update(
        "research",
        "e-2",
        CrewUpdate(result=Output("x")),
        uow=world.uow,
        at=world.clock(),
        new_id=world.new_id,
    )
    world.clock.advance(DAY)
    await world.turn(CREW)
    world.clock.advance(DAY)
    assert not await world.lease(CREW)


async def test_a_round_after_the_end_begins_again(world: World) -> None:
    await world.notify()
    await record(world, TaskUpdate(title="plan"))
    await record(world, CrewUpdate(result=Output("All of it.")))
    await world.notify("another draft")
    await world.settle_slack()

    assert (await recorded(world)).state is ExecutionState.RUNNING
    assert said(world).count(EffectKind.TASK_DONE) == 1


async def test_a_long_result_follows_as_a_file(world: World) -> None:
    world.slack.long_results = True
    await start(world)
    await record(world, CrewUpdate(result=Output("long")))
    await world.settle_slack()

    assert world.slack.files == ["long"]


async def test_what_somebody_deleted_is_not_missed(world: World) -> None:
    await start(world)
    await world.settle_slack()
    world.slack.execution_faults.append(Refused("message_not_found", "", RefusalKind.MESSAGE_GONE))
    await record(world, TaskUpdate(title="plan"))
    world.slack.execution_faults.append(Refused("thread_not_found", "", RefusalKind.THREAD_GONE))
    await world.settle_slack()

    assert said(world) == [EffectKind.PROGRESS, EffectKind.TASK_DONE]
    assert world.slack.said[-1].ref.thread_ts == world.slack.said[-1].ref.ts


async def test_slack_being_away_loses_no_message(world: World) -> None:
    await start(world)
    world.slack.execution_faults.append(NotSent("away"))
    await world.settle_slack()

    assert said(world) == [EffectKind.PROGRESS]


async def test_a_crew_that_is_not_set_up_any_more(world: World) -> None:
    await start(world)
    world.crews.clear()
    [outcome] = await world.turn(SLACK)
    assert isinstance(outcome, Refused)


async def test_the_overview_asks_every_crew(world: World) -> None:
    await start(world)
    world.crew.says = CrewUnavailable("connection refused")

    seen = await overview(clients={"research": world.crew}, uow=world.uow, clock=world.clock)

    assert [crew.warning for crew in seen.crews] == ["connection refused"]
    assert [execution.execution_id for execution in seen.running] == ["e-1"]


# --- forwarding ---

URLS = WebhookUrls(task="https://theirs.example/task")


@pytest.fixture
def forwarding(world: World) -> World:
    own = WebhookUrls(task="https://ours.example/task", step="https://ours.example/step")
    world.crews["research"] = replace(world.crews["research"], forward=True, own=own)
    return world


async def came(world: World, *, kind: str = "task", register: WebhookUrls | None = None) -> None:
    if register:
        async with world.uow.begin() as tx:
            await tx.executions.register("research", "e-1", register)
    webhook = ForwardedWebhook(world.new_id(), "research", "e-1", kind, "application/json", b"{}")
    await record_update(
        "research",
        "e-1",
        TaskUpdate(title="plan") if kind == "task" else StepUpdate(doing=""),
        uow=world.uow,
        at=world.clock(),
        new_id=world.new_id,
        webhook=webhook,
    )


async def test_a_webhook_is_forwarded_again_until_it_is_taken(forwarding: World) -> None:
    world = forwarding
    await came(world, register=URLS)
    world.forwarder.faults += [NotSent("away"), Unknown("no answer")]
    for _ in range(3):
        await world.turn(FORWARD)
        world.clock.advance(timedelta(minutes=1))

    assert world.forwarder.forwarded == [("https://theirs.example/task", b"{}")]
    assert not await world.lease(FORWARD)


async def test_a_webhook_waits_for_the_kickoffs_answer(forwarding: World) -> None:
    world = forwarding
    await came(world)
    assert await world.turn(FORWARD) == [Delivered("not yet")]
    async with world.uow.begin() as tx:
        await tx.executions.register("research", "e-1", URLS)
    world.clock.advance(timedelta(minutes=1))
    await world.turn(FORWARD)
    assert world.forwarder.forwarded

    await start(world)
    await came(world, kind="step")
    await world.turn(FORWARD)
    assert len(world.forwarder.forwarded) == 1


async def test_after_a_day_it_is_given_up_and_said(forwarding: World) -> None:
    world = forwarding
    await came(world, register=URLS)
    world.clock.advance(DAY)
    world.forwarder.faults.append(NotSent("away"))
    await world.turn(FORWARD)
    await world.settle_slack()

    assert said(world) == [EffectKind.FORWARD_FAILED]
    assert not await world.lease(FORWARD)


async def test_a_crew_that_is_gone_forwards_nothing(forwarding: World) -> None:
    world = forwarding
    await came(world, register=URLS)
    world.crews.clear()
    await world.turn(FORWARD)
    assert not world.forwarder.forwarded
    assert not await world.lease(FORWARD)


@pytest.mark.parametrize(
    "kind",
    [
        "progress",
        "task_done",
        "post_result",
        "result_file",
        "forward_failed",
        "forward",
        "poll_status",
    ],
)
async def test_what_is_gone_is_neither_shown_nor_sent(world: World, kind: str) -> None:
    effect = Effect(EffectKind(kind), "gone", "research", "e-9")
    async with world.uow.begin() as tx:
        await tx.enqueue([effect], at=world.clock())

    await world.turn(effect.destination)

    assert not world.slack.said
    assert not await world.lease(effect.destination)


async def test_an_execution_is_taken_over_by_who_starts_it(world: World) -> None:
    await world.notify()
    await world.settle_slack()
    await start(world)
    await world.settle_slack()
    assert said(world) == [EffectKind.PROGRESS]
    assert (await recorded(world)).starter == ANA

"""Messages about executions: posted, brought up to date, and not missed."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.effects import SLACK, UPDATES, Effect, EffectKind, posts_destination
from crewgate.domain.execution import (
    CrewUpdate,
    TaskUpdate,
)
from crewgate.domain.notification import Output
from crewgate.domain.outcome import NotSent, RefusalKind, Refused
from crewgate.store.tables import outbox
from crewgate.usecases.read_models import ExecutionPosting
from tests.builders import SECOND, a_rule
from tests.databases import both
from tests.usecases.world import CREW, World

POSTS = posts_destination("research")
NO_FILES = Refused("file_uploads_disabled", "", RefusalKind.PERMANENT)


async def test_a_long_result_follows_as_a_file(world: World) -> None:
    world.slack.long_results = True
    await world.start()
    await world.record(CrewUpdate(result=Output("long")))
    await world.settle_slack()

    assert world.slack.files == ["long"]


@both
async def test_the_file_of_a_result_is_looked_for_whatever_the_id(world: World) -> None:
    world.slack.long_results = True
    await world.notify(execution_id="order 4711")
    await world.record(CrewUpdate(result=Output("long")), "order 4711")
    await world.settle_slack()
    world.clock.advance(timedelta(minutes=5))

    (job,) = await world.lease(SLACK)

    assert job.effect.kind is EffectKind.LOOK_FOR_RESULT_FILE
    assert (job.effect.target, job.effect.number) == ("order 4711", 1)


async def test_a_result_that_cannot_be_attached_is_told_of(world: World) -> None:
    world.slack.long_results = True
    await world.start()
    await world.record(CrewUpdate(result=Output("long")))
    while EffectKind.RESULT_FILE not in await world.effects():
        await world.turn()
    world.slack.execution_faults.append(NO_FILES)
    await world.settle_slack()

    assert world.slack.files == []
    assert world.messages_said()[-1] is EffectKind.RESULT_FILE_FAILED


async def test_a_result_whose_thread_was_deleted_is_not_attached_elsewhere(world: World) -> None:
    world.slack.long_results = True
    await world.start()
    await world.record(CrewUpdate(result=Output("long")))
    while EffectKind.RESULT_FILE not in await world.effects():
        await world.turn()
    [thread] = {said.ref.thread_ts for said in world.slack.said}
    async with world.uow.begin() as tx:
        await tx.executions.forget_thread("research", "e-1", thread)
    await world.settle_slack()

    assert world.slack.files == []
    assert await world.effects() == []


async def test_progress_that_cannot_be_changed_holds_up_no_post(world: World) -> None:
    await world.start()
    await world.settle_slack()
    await world.record(TaskUpdate(title="plan"))
    world.slack.execution_faults.append(NotSent("slow", alone=True))
    await world.turn(UPDATES)
    await world.record(CrewUpdate(result=Output("All of it.")))
    await world.settle_slack()
    frozen = Refused("edit_window_closed", "", RefusalKind.PERMANENT)
    world.slack.execution_faults.append(frozen)
    world.clock.advance(SECOND)
    await world.settle_slack()

    assert world.messages_said() == [EffectKind.PROGRESS, EffectKind.POST_RESULT]
    assert await world.set_aside() == []


async def test_progress_takes_no_turn_of_a_card_where_nothing_is_posted(world: World) -> None:
    await world.start()
    await world.settle_slack()
    await world.record(TaskUpdate(title="plan"))

    assert await world.lease(POSTS) == ()
    await world.settle_slack()
    assert world.slack.updates[-1].execution.completed_tasks == 1


async def test_progress_waits_once_however_many_tasks_finish(world: World) -> None:
    await world.start()
    world.slack.execution_faults.append(Refused("not_in_channel", "invite the bot"))
    await world.turn()
    for _ in range(3):
        await world.record_update()
        await world.turn()
    async with world.engines.for_outbox.read.connect() as connection:
        waits = sa.select(sa.func.count()).where(outbox.c.kind == "progress")
        assert await connection.scalar(waits) == 1
    world.clock.advance(SECOND)
    await world.settle_slack()
    assert [said.execution.completed_tasks for said in world.slack.said] == [3]


async def test_what_finishes_while_its_progress_is_being_posted_is_shown(world: World) -> None:
    await world.start()
    under_way = await world.lease(POSTS)
    await world.record(TaskUpdate(title="plan"))
    await world.turn(UPDATES)
    await world.deliver(*under_way)
    await world.settle_slack()

    assert world.messages_said() == [EffectKind.PROGRESS]
    assert world.slack.updates[-1].execution.completed_tasks == 1


async def test_progress_in_a_thread_that_has_a_card_goes_after_all_else(world: World) -> None:
    await world.notify()
    await world.settle_slack()
    await world.record(TaskUpdate(title="plan"))
    await world.turn(UPDATES)
    await world.notify("Theirs.", execution_id="e-2")

    [first] = await world.lease(POSTS, limit=1)
    assert first.effect.kind is EffectKind.POST
    await world.deliver(first)
    await world.settle_slack()
    assert world.messages_said() == [EffectKind.PROGRESS]


async def test_a_pause_has_its_card_posted_before_the_tasks_before_it(world: World) -> None:
    await world.record(TaskUpdate(title="plan"))
    await world.notify()
    await world.notify(execution_id="e-2")

    cards = [EffectKind.POST, EffectKind.POST]
    assert [job.effect.kind for job in await world.lease(POSTS)] == cards


async def test_what_somebody_deleted_is_not_missed(world: World) -> None:
    await world.start()
    await world.settle_slack()
    await world.record(TaskUpdate(title="plan"))
    world.slack.execution_faults.append(Refused("message_not_found", "", RefusalKind.MESSAGE_GONE))
    await world.settle_slack()
    await world.record(CrewUpdate(result=Output("All of it.")))
    world.slack.execution_faults.append(Refused("thread_not_found", "", RefusalKind.THREAD_GONE))
    await world.settle_slack()

    assert world.messages_said() == [EffectKind.PROGRESS, EffectKind.POST_RESULT]
    assert world.slack.said[-1].ref.thread_ts == world.slack.said[-1].ref.ts


async def test_slack_being_away_loses_no_message(world: World) -> None:
    await world.start()
    world.slack.execution_faults.append(NotSent("away"))
    await world.settle_slack()

    assert world.messages_said() == [EffectKind.PROGRESS]


@pytest.mark.parametrize(
    "kind",
    [
        "progress",
        "refresh_progress",
        "result_file_failed",
        "post_result",
        "result_file",
        "forward_failed",
        "forward",
        "poll_status",
    ],
)
async def test_what_is_gone_is_neither_shown_nor_sent(world: World, kind: str) -> None:
    effect = Effect(kind=EffectKind(kind), target="gone", crew="research", execution_id="e-9")
    async with world.uow.begin() as tx:
        await tx.enqueue([effect], at=world.clock())

    await world.turn(effect.destination)

    assert not world.slack.said
    assert not await world.lease(effect.destination)


async def ended_with(
    world: World, result: str, *, approved: str, channel: str = "C0REVIEWS"
) -> ExecutionPosting:
    """Return the last message after one output was approved; the crew has got another `channel`."""
    world.crew.pause()
    round_ = (await world.notify(approved)).round
    await world.turn(POSTS)
    world.crews["research"] = replace(world.crews["research"], channel=channel)
    await world.decide(round_.id)
    await world.turn(CREW)
    await world.record(CrewUpdate(result=Output(result)))
    await world.settle_slack()
    assert world.messages_said() == [EffectKind.POST_RESULT]
    return world.slack.said[-1].posting


@pytest.mark.parametrize("channel", ["C0REVIEWS", "C0OTHER"])
async def test_a_result_that_was_approved_is_not_shown_again(world: World, channel: str) -> None:
    posting = await ended_with(world, "All of it.\n", approved="All of it.", channel=channel)
    assert posting.approved is not None
    assert posting.approved.decision is not None
    assert posting.approved.number == 1


async def test_a_result_that_was_approved_in_another_channel_is_shown(world: World) -> None:
    rule = a_rule(channel="C0PRIVATE")
    world.crews["research"] = replace(world.crews["research"], rules=(rule,))
    posting = await ended_with(world, "All of it.", approved="All of it.")
    assert posting.approved is None


async def test_a_result_that_nobody_has_seen_is_shown(world: World) -> None:
    posting = await ended_with(world, "All of it.", approved="Half of it.")
    assert posting.approved is None


async def test_the_latest_finished_tasks_are_shown_and_the_others_counted(world: World) -> None:
    await world.start()
    for number in range(12):
        world.clock.advance(SECOND)
        await world.record(TaskUpdate(title=f"task {number}"))
    await world.settle_slack()
    posting = world.slack.said[-1].posting
    assert [task.title for task in posting.finished] == [f"task {n}" for n in range(4, 12)]
    assert posting.finished_before == 4


async def test_what_ended_before_its_progress_was_shown_is_told_by_its_result_alone(
    world: World,
) -> None:
    await world.notify()
    await world.record(TaskUpdate(title="plan"))
    await world.record(CrewUpdate(result=Output("All of it.")))
    await world.settle_slack()
    assert world.messages_said() == [EffectKind.POST_RESULT]

"""Tracking an execution: its beginning, and the changes by its webhooks."""

from dataclasses import replace

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import (
    CrewUpdate,
    ExecutionState,
    StepUpdate,
    TaskUpdate,
)
from crewgate.domain.notification import Output
from tests.builders import ANA
from tests.usecases.world import World


async def test_the_thread_begins_with_who_started_it(world: World) -> None:
    await world.start()
    await world.settle_slack()
    await world.notify()
    await world.settle_slack()

    [first] = world.slack.said
    assert (first.what, first.execution.starter) == (EffectKind.PROGRESS, ANA)
    assert world.slack.messages[0].ref.thread_ts == first.ref.ts


async def test_what_came_before_the_kickoffs_answer_is_shown_after_it(world: World) -> None:
    await world.record(TaskUpdate(title="plan"))
    await world.record(CrewUpdate(result=Output("All of it."), tokens=7))
    await world.settle_slack()
    assert not world.slack.said

    await world.start()
    await world.settle_slack()

    assert world.messages_said() == [EffectKind.PROGRESS, EffectKind.POST_RESULT]
    assert [task.title for task in world.slack.said[0].posting.finished] == ["plan"]
    assert (await world.execution()).tokens == 7


async def test_the_kickoffs_answer_after_the_end_reopens_nothing(world: World) -> None:
    """It may be stored minutes later: a crew can be slow to answer, or the database away."""
    round_ = (await world.notify()).round
    await world.settle_slack()
    await world.decide(round_.id)
    await world.record(CrewUpdate(result=Output("All of it.")))
    await world.settle_slack()
    before = await world.execution()

    await world.start()
    await world.settle_slack()

    execution = await world.execution()
    assert execution == replace(before, starter=ANA, inputs=(("topic", "tea"),))
    assert execution.state is ExecutionState.COMPLETED
    assert world.messages_said().count(EffectKind.POST_RESULT) == 1


async def test_an_end_that_is_heard_again_is_told_once(world: World) -> None:
    await world.notify()
    for _ in range(2):
        await world.record_update(ended="completed")
        await world.settle_slack()
    assert world.messages_said().count(EffectKind.POST_RESULT) == 1


async def test_tasks_refresh_the_progress_message_and_steps_do_not(world: World) -> None:
    await world.start()
    await world.settle_slack()
    await world.record(StepUpdate(doing="thinking"))
    await world.settle_slack()
    assert not world.slack.updates
    await world.record(TaskUpdate(title="plan"))
    await world.settle_slack()

    assert world.slack.updates[-1].execution.completed_tasks == 1
    assert world.slack.updates[-1].finished == (TaskUpdate(title="plan"),)
    assert (await world.execution()).step == "thinking"
    assert await world.uow.read.executions.find("research", "e-2") is None


async def test_a_round_after_the_end_begins_again(world: World) -> None:
    await world.notify()
    await world.record(TaskUpdate(title="plan"))
    await world.record(CrewUpdate(result=Output("All of it.")))
    await world.notify("another draft")
    await world.settle_slack()

    assert (await world.execution()).state is ExecutionState.RUNNING
    assert world.messages_said() == [EffectKind.PROGRESS]


async def test_an_execution_is_taken_over_by_who_starts_it(world: World) -> None:
    await world.notify()
    await world.settle_slack()
    await world.start()
    await world.settle_slack()
    assert world.messages_said() == [EffectKind.PROGRESS]
    assert (await world.execution()).starter == ANA


async def test_a_notification_says_what_the_execution_is_about(world: World) -> None:
    round_ = (await world.notify(meta=(("ticket", "T-1"),))).round
    await world.notify("Another draft.", meta=(("ticket", "T-2"),))

    posting = await world.uow.read.posting(round_.id)
    assert (posting.view.topic, posting.view.given) == ("T-1", (("ticket", "T-1"),))
    [line, _] = await world.uow.read.rounds.of_execution("research", "e-1", limit=9)
    assert line.topic == "T-1"


async def test_nothing_but_the_id_is_known_of_an_execution(world: World) -> None:
    round_ = (await world.notify(execution_id="b5b275c2-1e38")).round

    view = (await world.uow.read.posting(round_.id)).view
    assert (view.topic, view.given, view.starter) == ("b5b275c2", (), None)


async def test_a_card_that_was_posted_before_the_kickoffs_answer_learns_its_topic(
    world: World,
) -> None:
    round_ = (await world.notify()).round
    await world.settle_slack()

    await world.start()

    assert (await world.rows())[0].kind == EffectKind.REFRESH
    view = (await world.uow.read.posting(round_.id)).view
    assert (view.topic, view.starter, view.given) == ("tea", ANA, (("topic", "tea"),))

"""What the events of a stream do to executions and to reviews that wait."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import RESULT_WITHIN, ExecutionState
from crewgate.domain.notification import Output
from crewgate.domain.outcome import Refused, ResumeStatus
from crewgate.domain.reason import (
    Answered,
    AnsweredElsewhere,
    ExecutionEnded,
    ExecutionFailed,
    PerhapsTaken,
)
from crewgate.domain.review import State
from crewgate.domain.stream import (
    EventBody,
    Failed,
    FeedbackReceived,
    Finished,
    MethodFinished,
    StreamEvent,
    TaskFinished,
    TaskStarted,
)
from crewgate.domain.verdict import Answer
from crewgate.usecases.evidence import FIRST_POLL_WITHIN, STATUS_POLL
from crewgate.usecases.read_models import CrewStatus, Progress
from crewgate.usecases.stream import record_events
from tests.builders import NOW
from tests.usecases.faults import LOST, Fault
from tests.usecases.world import CREW, STATUS, World

APPROVED = Answer("approved", is_label=True)


def happened(
    what: EventBody | None, *, execution: str = "e-1", flow: bool = False, number: int = 1
) -> StreamEvent:
    return StreamEvent(
        id=f"event-{number}",
        execution_id=execution,
        at=NOW + timedelta(seconds=number),
        of_flow=flow,
        body=what,
    )


async def record(world: World, *events: StreamEvent) -> None:
    await record_events("research", events, uow=world.uow, clock=world.clock)


async def test_a_crew_that_finished_or_failed_closes_its_reviews(world: World) -> None:
    waiting = (await world.notify()).round
    failing = (await world.notify(execution_id="e-2")).round
    await record(
        world,
        happened(Failed("No key."), execution="e-2"),
        happened(Finished(Output("Done."), 7)),
    )
    execution = await world.execution()
    assert (execution.state, execution.result, execution.tokens) == (
        ExecutionState.COMPLETED,
        Output("Done."),
        7,
    )
    assert (await world.round(waiting.id)).reason == ExecutionEnded()
    assert (await world.round(failing.id)).reason == ExecutionFailed("No key.")
    await record(world, happened(Failed("late"), number=2))
    assert (await world.execution()).state is ExecutionState.COMPLETED


async def test_an_execution_that_is_not_known_is_not_made(world: World) -> None:
    await record(world, happened(Finished(), execution="nobody"))
    assert await world.uow.read.executions.find("research", "nobody") is None


async def test_a_flows_methods_move_the_progress(world: World) -> None:
    await world.start()
    await world.settle_slack()
    await record(world, happened(TaskStarted("draft"), flow=True))
    assert (await world.execution()).current_task == "draft"
    await world.settle_slack()
    assert world.slack.updates[-1].execution.current_task == "draft"
    await record(world, happened(TaskStarted("draft"), flow=True))
    asked = replace(await world.execution(), asked_at=NOW)
    assert not asked.has_moved(completed_tasks=0, current_task="edit")
    assert asked.has_moved(completed_tasks=1, current_task="edit")


@pytest.mark.parametrize("what", [TaskStarted("draft"), TaskFinished("draft")])
async def test_a_crews_tasks_have_its_status_asked_for(world: World, what: EventBody) -> None:
    await world.start()
    await world.settle_slack()
    world.crew.says = Progress(CrewStatus.RUNNING, "running", "edit_task", completed_tasks=1)
    await record(world, happened(what))
    assert (await world.execution()).completed_tasks == 0
    world.clock.advance(STATUS_POLL.first)
    await world.turn(STATUS)
    await world.settle_slack()
    shown = world.slack.updates[-1].execution
    assert (shown.current_task, shown.completed_tasks) == ("edit_task", 1)


async def test_an_execution_that_is_not_shown_is_recorded_all_the_same(world: World) -> None:
    await world.record_update("f-3")
    await record(world, happened(TaskStarted("draft"), execution="f-3", flow=True))
    assert (await world.execution("f-3")).current_task == "draft"
    await world.settle_slack()
    assert world.messages_said() == []


async def test_a_flows_methods_are_counted_once(world: World) -> None:
    await world.start()
    finished = happened(MethodFinished("draft"), flow=True)
    await record(world, finished)
    await record(world, finished, happened(MethodFinished("edit"), flow=True, number=2))
    execution = await world.execution()
    assert (execution.completed_tasks, execution.is_flow) == (2, True)
    await record(world, happened(TaskStarted("publish"), flow=True, number=7))
    await record(world, happened(MethodFinished("draft"), flow=True, number=6))
    assert (await world.execution()).current_task == "publish"
    await record(world, happened(MethodFinished("publish"), flow=True, number=8))
    assert (await world.execution()).current_task is None
    await record(world, happened(Finished(), flow=True, number=3))
    await record(world, happened(TaskStarted("late"), flow=True, number=4))
    assert (await world.execution()).current_task is None


async def test_a_crew_inside_of_a_flow_does_not_end_it(world: World) -> None:
    asked = (await world.ask()).round
    await record(world, happened(Finished(Output("Inner.")), execution="f-1"))
    await record(world, happened(Failed("Inner."), execution="f-1"))
    assert (await world.round(asked.id)).state is State.WAITING
    await record(world, happened(Finished(Output("Outer.")), execution="f-1", flow=True))
    assert (await world.round(asked.id)).reason == ExecutionEnded()
    assert (await world.execution("f-1")).result == Output("Outer.")


async def test_what_ended_before_it_was_known_to_be_a_flow_goes_on(world: World) -> None:
    await world.start("f-1")
    await record(world, happened(Finished(), execution="f-1"))
    assert (await world.execution("f-1")).is_over
    await record(world, happened(None, execution="f-1", flow=True, number=2))
    assert not (await world.execution("f-1")).is_over
    await world.record_update("f-2", ended="Inner.")
    asked = await world.ask(flow_id="f-2")
    assert not (await world.execution("f-2")).is_over
    assert asked.round.state is State.WAITING
    assert EffectKind.POST_RESULT not in await world.effects()


async def _posted(world: World) -> int:
    """How often the end was told."""
    await world.settle_slack()
    return world.messages_said().count(EffectKind.POST_RESULT)


@pytest.mark.parametrize("flow", [True, False])
async def test_an_event_without_the_result_leaves_it_to_the_webhook(
    world: World, flow: bool
) -> None:
    await world.start("f-1")
    await record(world, happened(Finished(), execution="f-1", flow=flow))
    assert (await world.execution("f-1")).is_over
    assert await _posted(world) == 0
    await world.record_update("f-1", ended="Done.")
    assert (await world.execution("f-1")).result == Output("Done.")
    assert await _posted(world) == 1
    world.clock.advance(STATUS_POLL.first)
    await world.turn(STATUS)
    await record(world, happened(Finished(Output("Late.")), execution="f-1", flow=flow, number=2))
    assert (await world.execution("f-1")).result == Output("Done.")
    assert await _posted(world) == 1


async def test_or_to_the_status_or_to_another_event(world: World) -> None:
    for name in ("f-1", "f-2"):
        await world.start(name)
        await record(world, happened(Finished(), execution=name, flow=True))
    await record(world, happened(Finished(Output("Told.")), execution="f-2", flow=True, number=2))
    assert await _posted(world) == 1
    world.crew.says = Progress(CrewStatus.RUNNING, "running", None)
    world.clock.advance(STATUS_POLL.first)
    await world.turn(STATUS)
    assert (await world.execution("f-1")).awaits_result
    world.crew.says = Progress(CrewStatus.COMPLETED, "completed", None, result=Output("Done."))
    world.clock.advance(STATUS_POLL.longest)
    await world.turn(STATUS)
    assert (await world.execution("f-1")).result == Output("Done.")
    assert (await world.execution("f-2")).result == Output("Told.")
    assert await _posted(world) == 2


async def test_a_result_that_nobody_tells_is_not_waited_for(world: World) -> None:
    await world.start("f-1")
    await record(world, happened(Finished(), execution="f-1", flow=True))
    world.crew.says = Progress(CrewStatus.RUNNING, "running", None)
    world.clock.advance(RESULT_WITHIN)
    await world.turn(STATUS)
    assert await _posted(world) == 1
    await world.record_update("f-1", ended="Late.")
    assert await _posted(world) == 1


async def test_what_a_webhook_ended_is_told_once_whatever_its_events_say(world: World) -> None:
    """It was the flow's own: no crew inside has that address."""
    await world.start("f-1")
    await world.record_update("f-1", ended="Done.")
    assert await _posted(world) == 1
    await record(world, happened(TaskStarted("draft"), execution="f-1", flow=True))
    await record(world, happened(Finished(), execution="f-1", flow=True, number=2))
    execution = await world.execution("f-1")
    assert (execution.is_over, execution.result) == (True, Output("Done."))
    assert await _posted(world) == 1


async def test_an_answer_given_elsewhere_closes_what_waits(world: World) -> None:
    asked = (await world.ask()).round
    feedback = happened(FeedbackReceived("8412"), execution="f-1", flow=True)
    await record(world, replace(feedback, body=FeedbackReceived("other")))
    assert (await world.round(asked.id)).state is State.WAITING
    await record(world, feedback)
    closed = await world.round(asked.id)
    assert (closed.state, closed.reason) == (State.CLOSED, AnsweredElsewhere())
    await record(world, feedback)
    assert await world.uow.read.callback(asked.id) is None


async def test_an_answer_that_is_stuck_may_be_the_one_that_came(world: World) -> None:
    asked = (await world.ask()).round
    await world.decide(asked.id, APPROVED)
    world.flows.faults.extend([Fault(LOST), Fault(Refused("400", "odd"))])
    await world.turn(CREW)
    world.clock.advance(world.context.grace)
    await world.turn(CREW)
    assert (await world.round(asked.id)).state is State.STUCK
    await record(world, happened(FeedbackReceived("8412"), execution="f-1", flow=True))
    closed = await world.round(asked.id)
    assert (closed.state, closed.reason) == (State.CLOSED, PerhapsTaken())


async def test_an_event_is_no_evidence_for_what_is_in_doubt(world: World) -> None:
    """It may tell of what was before the pause."""
    round_ = (await world.notify()).round
    world.crew.pause()
    await world.decide(round_.id)
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    await record(world, happened(TaskStarted("draft")))
    world.clock.advance(world.context.grace)
    await world.turn(CREW)
    assert len(world.crew.asked) == 2


async def test_nor_together_with_the_status_which_names_tasks_in_its_own_way(world: World) -> None:
    round_ = (await world.notify()).round
    world.crew.pause()
    world.crew.says = Progress(CrewStatus.RUNNING, "running", "draft_task", completed_tasks=0)
    world.clock.advance(FIRST_POLL_WITHIN + STATUS_POLL.first)
    await world.turn(STATUS)
    assert (await world.execution()).current_task == "draft_task"
    await world.decide(round_.id)
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    await record(world, happened(TaskStarted("Draft the report")))
    world.clock.advance(world.context.grace)
    await world.turn(CREW)
    assert len(world.crew.asked) == 2
    assert (await world.round(round_.id)).reason == Answered("Thank you.", ResumeStatus.RESUMED)

"""Tasks that run and wait side by side: a webhook of one proves nothing about another."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.execution import StepUpdate, TaskUpdate
from crewgate.domain.outcome import NotSent, Refused, ResumeStatus, Unknown
from crewgate.domain.reason import Answered, Inferred, RefusedByCrew
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise, Verdict
from crewgate.usecases.decide import dismiss
from crewgate.usecases.delivery.context import GRACE
from crewgate.usecases.read_models import CrewStatus, Progress
from crewgate.usecases.track import PAUSED_POLL, STATUS_POLL
from tests.builders import BEN, SECOND
from tests.databases import both
from tests.usecases.faults import AWAY, LOST, Crashed, Fault
from tests.usecases.test_calls import about
from tests.usecases.world import CREW, STATUS, World

PROXY = Fault(Unknown("502", code="502"))
"""The answer of a proxy while the crew behind it restarts: nothing arrived."""
RUNNING = Progress(
    status=CrewStatus.RUNNING,
    word="running",
    current_task="right",
    completed_tasks=0,
    total_tasks=3,
)


async def pause(world: World, task: str) -> str:
    """Let a task pause, and post its card."""
    world.crew.pause(f"{task}.", task=task)
    paused = (await world.notify(f"{task}.", task_id=task, task_name=None)).round
    await world.settle_slack()
    return paused.id


async def lose(world: World, round_id: str, fault: Fault = PROXY) -> None:
    """Decide, and lose the decision or the crew's answer."""
    await world.decide(round_id)
    world.crew.faults.append(fault)
    await world.turn(CREW)


async def later_turns(world: World) -> list[str]:
    """Return the tasks whose decisions the crew took."""
    for _ in range(3):
        world.clock.advance(GRACE)
        await world.turn(CREW)
    return [one.task_id for one in world.crew.taken]


async def get_stuck(world: World, verdict: Verdict | None = None) -> str:
    """The left task's decision did not arrive, and the next try was refused."""
    left = await pause(world, "left")
    await world.decide(left, verdict)
    world.crew.faults.extend([PROXY, Fault(Refused("401", "Unauthorized"))])
    await world.turn(CREW)
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(left)).state is State.STUCK
    return left


@both
async def test_the_pause_of_another_task_is_no_evidence(world: World) -> None:
    await lose(world, await pause(world, "left"))
    await pause(world, "right")
    assert await later_turns(world) == ["left"]


async def test_nor_is_it_where_the_bot_died_before_it_sent_anything(world: World) -> None:
    left = await pause(world, "left")
    with pytest.raises(Crashed):
        await lose(world, left, Fault(Crashed))
    await world.lapse()
    await pause(world, "right")
    assert await later_turns(world) == ["left"]


@pytest.mark.parametrize("task", ["right", "plan"])
async def test_nor_is_the_end_of_another_task(world: World, task: str) -> None:
    """The other task runs beside, or its webhook from before the pause is late."""
    await lose(world, await pause(world, "left"))
    await world.record(TaskUpdate(title=task, task=task))
    assert await later_turns(world) == ["left"]


async def test_nor_is_a_step_of_what_runs_beside(world: World) -> None:
    left = await pause(world, "left")
    await world.record(StepUpdate(doing="thinking"))
    await lose(world, left)
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["left"]


@pytest.mark.parametrize("first", [AWAY, Refused("401", "Unauthorized")])
async def test_nor_is_it_after_a_try_that_surely_did_not_arrive(
    world: World, first: NotSent | Refused
) -> None:
    left = await pause(world, "left")
    await world.record(StepUpdate(doing="thinking"))
    await lose(world, left, Fault(first))
    if isinstance(first, Refused):
        await world.retry(left)
    world.crew.faults.append(PROXY)
    await world.turn(CREW)
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["left"]


async def test_nor_is_anything_once_another_task_has_waited(world: World) -> None:
    left, right = await pause(world, "left"), await pause(world, "right")
    await lose(world, left)
    await world.decide(right)
    await world.turn(CREW)
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["right", "left"]


@both
async def test_nor_is_anything_once_a_task_has_paused_before_the_decision_on_another_was_sent(
    world: World,
) -> None:
    await world.decide(await pause(world, "right"))
    world.clock.advance(SECOND)
    left = await pause(world, "left")
    await world.turn(CREW)
    await lose(world, left)
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["right", "left"]


@both
async def test_nor_is_anything_beside_a_task_whose_decision_was_dismissed(world: World) -> None:
    """The crew may have taken that decision, and then it works; else it waits on."""
    left = await get_stuck(world, Revise("Shorter."))
    await dismiss(left, "Started again.", by=BEN, context=world.reviews)
    await lose(world, await pause(world, "right"))
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["right"]


@both
async def test_nor_is_anything_beside_a_task_that_works_on_changes(world: World) -> None:
    left = await pause(world, "left")
    await world.decide(left, Revise("Shorter."))
    await world.turn(CREW)
    await lose(world, await pause(world, "right"))
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["left", "right"]


@both
@pytest.mark.parametrize("apart", [SECOND, 0 * SECOND])
async def test_nor_is_anything_where_two_tasks_have_waited_for_people_at_once(
    world: World, apart: timedelta
) -> None:
    """The task after one of them runs, and the bot has not heard of it yet."""
    left = await pause(world, "left")
    world.clock.advance(apart)
    await world.decide(await pause(world, "right"))
    await world.turn(CREW)
    await world.decide(left)
    await world.turn(CREW)
    await lose(world, await pause(world, "next"))
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["right", "left", "next"]


async def test_a_step_is_evidence_where_one_task_follows_the_other(world: World) -> None:
    await world.decide(await pause(world, "left"))
    await world.turn(CREW)
    world.clock.advance(SECOND)
    following = await pause(world, "next")
    await lose(world, following, Fault(LOST, after=True))
    await world.record(StepUpdate(doing="thinking"))
    await later_turns(world)
    assert (await world.round(following)).reason == Inferred()
    assert len(world.crew.asked) == 2


async def test_a_refused_call_does_not_run_beside(world: World) -> None:
    """The agent was told, and its task goes on: each of its calls is a review of its own."""
    refused = (await world.notify(**about())).round
    world.crew.pause(refused.review.task_id, task=refused.review.task_id)
    await world.decide(refused.id, Revise("No."))
    await world.turn(CREW)
    world.clock.advance(SECOND)
    right = await pause(world, "right")
    await lose(world, right, Fault(LOST, after=True))
    await world.record(StepUpdate(doing="thinking"))
    await later_turns(world)
    assert (await world.round(right)).reason == Inferred()
    assert len(world.crew.asked) == 2


async def test_nor_is_anything_in_a_flow(world: World) -> None:
    """A task of a crew inside it: its other branches go on."""
    await lose(world, await pause(world, "left"))
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", "e-1", at=world.clock())
        await tx.executions.save(replace(execution, is_flow=True))
    await world.record(StepUpdate(doing="thinking"))
    assert await later_turns(world) == ["left"]


@pytest.mark.parametrize("task", ["left", "The left one"])
async def test_the_end_of_its_own_task_is_evidence(world: World, task: str) -> None:
    world.crew.pause(task="left")
    left = (await world.notify(task_id="left", task_name="The left one")).round.id
    await pause(world, "right")
    await lose(world, left, Fault(LOST, after=True))
    await world.record(TaskUpdate(title="Left", task=task))
    await later_turns(world)
    assert len(world.crew.asked) == 1
    assert (await world.round(left)).reason == Inferred()


async def test_a_name_that_two_tasks_have_is_none(world: World) -> None:
    world.crew.pause(task="left")
    left = (await world.notify(task_id="left", task_name="Draft")).round.id
    await world.notify(task_id="right", task_name="Draft")
    await lose(world, left)
    await world.record(TaskUpdate(title="Draft", task="Draft"))
    assert await later_turns(world) == ["left"]


async def test_a_stuck_decision_in_doubt_stays_stuck(world: World) -> None:
    left = await get_stuck(world)
    right = await pause(world, "right")
    await world.decide(right)
    await world.turn(CREW)
    await world.record(TaskUpdate(title="right", task="right"))
    assert (await world.round(left)).state is State.STUCK
    await world.record(TaskUpdate(title="left", task="left"))
    assert (await world.round(left)).reason == Inferred()


@both
async def test_retry_sends_what_never_arrived(world: World) -> None:
    left = await get_stuck(world, Revise("Shorter."))
    await pause(world, "right")
    await world.retry(left)
    await world.record(TaskUpdate(title="right", task="right"))
    assert await later_turns(world) == ["left"]


async def test_what_the_crew_does_not_wait_for_was_taken_if_anything_came_since(
    world: World,
) -> None:
    """The next task of a crew that does one after the other; nobody tells that the first ended."""
    left = await pause(world, "left")
    await lose(world, left, Fault(LOST, after=True))
    await pause(world, "next")
    await later_turns(world)
    assert (await world.round(left)).reason == Inferred()
    assert len(world.crew.asked) == 2


async def test_a_400_proves_nothing_where_another_task_waited_too(world: World) -> None:
    left, right = await pause(world, "left"), await pause(world, "right")
    await lose(world, left)
    await world.decide(right)
    await world.turn(CREW)
    await world.record(StepUpdate(doing="thinking"))
    refused = Refused("400", "taskWebhookUrl must use https")
    world.crew.faults.append(Fault(refused))
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(left)).reason == RefusedByCrew("400", refused.words)


@both
async def test_two_decisions_while_the_crew_is_started_again_both_arrive(world: World) -> None:
    left, right = await pause(world, "left"), await pause(world, "right")
    await lose(world, left)
    world.clock.advance(GRACE / 2)
    await lose(world, right)
    world.clock.advance(GRACE / 2)
    await world.turn(CREW)
    await world.record(TaskUpdate(title="left", task="left"))
    assert await later_turns(world) == ["left", "right"]


# --- the crew's status ---


async def test_a_status_that_another_task_moved_is_no_evidence(world: World) -> None:
    left = await pause(world, "left")
    world.crew.says = RUNNING
    world.clock.advance(PAUSED_POLL)
    await world.turn(STATUS)
    await lose(world, left)
    world.crew.says = replace(RUNNING, completed_tasks=1)
    assert await later_turns(world) == ["left"]


async def test_nor_is_one_that_names_the_task_and_counts_another(world: World) -> None:
    left = await pause(world, "left")
    world.crew.says = replace(RUNNING, current_task="left")
    world.clock.advance(PAUSED_POLL)
    await world.turn(STATUS)
    await lose(world, left)
    world.crew.says = replace(RUNNING, current_task="left", completed_tasks=1)
    assert await later_turns(world) == ["left"]


async def test_while_another_task_runs_the_status_is_asked_for_as_ever(world: World) -> None:
    await pause(world, "left")
    world.crew.says = RUNNING
    asked = 0

    async def on_status(_: str) -> None:
        nonlocal asked
        asked += 1

    world.crew.on_status = on_status
    world.clock.advance(PAUSED_POLL)
    await world.turn(STATUS)
    world.clock.advance(2 * STATUS_POLL.first + SECOND)
    await world.turn(STATUS)
    assert asked == 2
    world.crew.says = replace(RUNNING, current_task="left")
    world.clock.advance(STATUS_POLL.longest)
    await world.turn(STATUS)
    world.clock.advance(STATUS_POLL.longest)
    await world.turn(STATUS)
    assert asked == 3


async def test_a_duplicate_leaves_what_the_status_said_before(world: World) -> None:
    left = await pause(world, "left")
    world.crew.says = replace(RUNNING, current_task="left")
    world.clock.advance(PAUSED_POLL)
    await world.turn(STATUS)
    assert not (await world.notify("left.", task_id="left", task_name=None)).accepted
    await lose(world, left, Fault(LOST, after=True))
    world.crew.says = RUNNING
    await later_turns(world)
    assert (await world.round(left)).reason == Inferred()
    assert len(world.crew.asked) == 1


# --- a crew that takes a key, such as `crewgate host`'s


@pytest.mark.parametrize("fault", [PROXY, Fault(LOST, after=True), Fault(AWAY)])
async def test_a_decision_is_simply_sent_again_with_its_key(world: World, fault: Fault) -> None:
    """It is sent again whatever webhooks came meanwhile, of its own task too."""
    world.crew.pause(task="left")
    left = (await world.notify(task_id="left", takes_key=True)).round
    await lose(world, left.id, fault)
    await world.record(StepUpdate(doing="thinking"))
    await world.record(TaskUpdate(title="left", task="left"))
    assert await later_turns(world) == ["left"]
    assert list(world.crew.answers) == [left.id]
    assert (await world.round(left.id)).reason == Answered("Thank you.", ResumeStatus.RESUMED)
    assert not (await world.execution()).stuck_in_doubt


async def test_a_key_is_sent_only_to_who_takes_one(world: World) -> None:
    await world.decide(await pause(world, "left"))
    await world.turn(CREW)
    assert world.crew.taken
    assert not world.crew.answers


async def test_a_stuck_decision_with_a_key_waits_for_retry_and_not_for_evidence(
    world: World,
) -> None:
    world.crew.pause(task="left")
    left = (await world.notify(task_id="left", takes_key=True)).round
    await world.decide(left.id)
    world.crew.faults.extend([Fault(LOST, after=True), Fault(Refused("401", "Unauthorized"))])
    await world.turn(CREW)
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(left.id)).state is State.STUCK
    assert not (await world.execution()).stuck_in_doubt
    await world.retry(left.id)
    await world.turn(CREW)
    assert (await world.round(left.id)).reason == Answered("Thank you.", ResumeStatus.RESUMED)

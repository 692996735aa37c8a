"""A crew pauses, repeats itself, goes on or ends."""

import asyncio

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.notification import Format, Output, WebhookUrls
from crewgate.domain.outcome import NotSent, Refused, ResumeStatus, Unknown
from crewgate.domain.reason import Answered, ExecutionEnded, Inferred, NeverSent
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise
from tests.builders import LATER, NOW, SECOND, webhook_urls
from tests.databases import both
from tests.usecases.crew_standins import Resumed
from tests.usecases.faults import LOST, Fault
from tests.usecases.world import CREW, POSTS, World

POST, REFRESH, RESUME = EffectKind.POST, EffectKind.REFRESH, EffectKind.RESUME


async def test_a_first_notification_is_stored_whole(world: World, woken: list[str]) -> None:
    received = await world.notify(agent="Writer", expected_output="One page")
    assert received.accepted
    assert received.round.number == 1
    assert received.round == await world.round(received.round.id)
    review = received.round.review
    assert (review.task_name, review.agent, review.expected_output) == (
        "Draft the report",
        "Writer",
        "One page",
    )
    posting = await world.uow.read.posting(received.round.id)
    assert posting.view.output == Output("A draft.")
    assert (posting.card, posting.channel, posting.thread_ts) == (None, None, None)
    assert await world.effects() == [POST]
    assert woken == [POSTS]


async def test_an_output_keeps_its_format(world: World) -> None:
    output = Output('{\n  "a": 1\n}', Format.JSON)
    received = await world.notify(output=output)
    assert (await world.uow.read.posting(received.round.id)).view.output == output


async def test_a_duplicate_changes_nothing(world: World, woken: list[str]) -> None:
    first = await world.notify()
    woken.clear()
    again = await world.notify()
    assert not again.accepted
    assert again.round == first.round
    assert await world.effects() == [POST]
    assert woken == []
    assert await activity_count(world) == 1


async def test_a_later_notification_fills_in_names_and_takes_none_away(world: World) -> None:
    await world.notify(agent="Writer", task_name=None)
    later = await world.notify("Another.", agent=None, task_name="Draft")
    assert (later.round.review.agent, later.round.review.task_name) == ("Writer", "Draft")


async def test_another_output_supersedes_one_that_waits(world: World) -> None:
    first = await world.notify()
    world.clock.advance(SECOND)
    second = await world.notify("Another draft.")
    assert (second.accepted, second.round.number) == (True, 2)
    old = await world.round(first.round.id)
    assert (old.state, old.ended_at) == (State.SUPERSEDED, NOW + SECOND)
    assert await world.effects() == [POST, REFRESH, POST]
    assert await activity_count(world) == 2


async def test_another_output_makes_an_unsent_decision_pointless(world: World) -> None:
    first = await world.notify()
    await world.decide(first.round.id)
    await world.notify("Another draft.")
    old = await world.round(first.round.id)
    assert (old.state, old.reason) == (State.CLOSED, NeverSent())
    await world.turn(CREW)
    assert world.crew.asked == []


async def test_a_revision_brings_the_next_round(world: World) -> None:
    first = await world.notify()
    await world.decide(first.round.id, Revise("Shorter."))
    world.crew.pause()
    await world.turn(CREW)
    second = await world.notify("Short draft.")
    assert (second.round.number, second.round.unchanged) == (2, False)
    assert (await world.round(first.round.id)).state is State.RESUMED
    view = (await world.uow.read.posting(second.round.id)).view
    assert view.previous == await world.round(first.round.id)


async def test_the_same_output_after_a_revision_says_unchanged(world: World) -> None:
    first = await world.notify()
    await world.decide(first.round.id, Revise("Shorter."))
    world.crew.pause()
    await world.turn(CREW)
    second = await world.notify()
    assert (second.accepted, second.round.number, second.round.unchanged) == (True, 2, True)
    assert await world.round(second.round.id) == second.round


async def test_the_same_output_after_an_approval_that_was_answered_is_asked_about_again(
    world: World,
) -> None:
    """A guardrail refused it, say, and the agent has nothing better."""
    first = await world.notify()
    await world.decide(first.round.id)
    world.crew.pause()
    await world.turn(CREW)
    second = await world.notify()
    assert (second.accepted, second.round.number, second.round.unchanged) == (True, 2, True)


@both
async def test_a_pause_that_is_announced_again_is_known_by_its_id(world: World) -> None:
    """`crewgate host` announces it until somebody took it, in no order."""
    first = await world.notify(pause_id="draft 1")
    await world.decide(first.round.id, Revise("Shorter."))
    world.crew.pause()
    await world.turn(CREW)
    second = await world.notify("Short draft.", pause_id="draft 2")
    for text, pause, round_ in (
        ("A draft.", "draft 1", first.round),
        ("Short draft.", "draft 2", second.round),
    ):
        again = await world.notify(text, pause_id=pause)
        assert (again.accepted, again.round.id) == (False, round_.id)
    assert (await world.round(second.round.id)).state is State.WAITING
    assert await activity_count(world) == 2


@both
async def test_the_same_pause_again_is_no_answer_to_a_revision(world: World) -> None:
    """It was sent before the proxy answered 502 to the decision."""
    first = (await world.notify(pause_id="draft 1")).round
    world.crew.pause()
    await world.decide(first.id, Revise("Shorter."))
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    assert not (await world.notify(pause_id="draft 1")).accepted
    world.clock.advance(SECOND * 60)
    await world.turn(CREW)
    assert [one.decision.human_feedback for one in world.crew.taken] == ["Shorter."]


@pytest.mark.parametrize("text", ["Short draft.", "A draft."])
async def test_the_next_round_may_come_before_our_own_resume_is_answered(
    world: World, text: str
) -> None:
    async def on_taken(_: Resumed) -> None:
        await world.notify(text)

    first = await world.notify()
    await world.decide(first.round.id, Revise("Shorter."))
    world.crew.pause()
    world.crew.on_taken = on_taken
    await world.turn(CREW)
    old = await world.round(first.round.id)
    assert old.state is State.RESUMED
    assert old.reason == Answered("Thank you.", ResumeStatus.RETRYING)
    (waiting,) = await world.waiting()
    assert (waiting.number, waiting.unchanged) == (2, text == "A draft.")


async def test_a_newer_output_is_the_evidence_when_our_answer_is_lost(world: World) -> None:
    first = await world.notify()
    await world.decide(first.round.id, Revise("Shorter."))
    world.crew.pause()
    world.crew.faults.append(Fault(LOST, after=True))
    await world.turn(CREW)
    await world.notify("Short draft.")
    assert (await world.round(first.round.id)).reason == Inferred()
    world.clock.advance(SECOND * 60)
    await world.turn(CREW)
    assert len(world.crew.asked) == 1
    assert RESUME not in await world.effects()


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (NotSent("connection refused"), State.CLOSED),
        (Refused("400", "not pending"), State.CLOSED),
        (Unknown("no answer"), State.RESUMED),
    ],
)
async def test_a_newer_output_that_came_before_a_refusal_was_no_evidence(
    world: World, answer: NotSent | Refused | Unknown, state: State
) -> None:
    """Somebody else resumed the crew, just as we were about to."""

    async def on_resume(*_: object) -> None:
        await world.notify("Another draft.")

    first = await world.notify()
    await world.decide(first.round.id)
    world.crew.on_resume = on_resume
    world.crew.faults.append(Fault(answer))
    await world.turn(CREW)
    assert (await world.round(first.round.id)).state is state
    assert RESUME not in await world.effects()


async def test_the_urls_a_notification_carries_belong_to_its_round(world: World) -> None:
    first = await world.notify(webhooks=webhook_urls("first"))
    second = await world.notify("Another draft.", webhooks=WebhookUrls(task="https://second"))
    third = await world.notify("A third.")
    read = world.uow.read.webhooks
    assert await read(first.round) == (WebhookUrls(), webhook_urls("first"))
    assert await read(second.round) == (WebhookUrls(), WebhookUrls(task="https://second"))
    assert await read(third.round) == (WebhookUrls(), WebhookUrls())


# --- at the same moment ---


@both
async def test_two_equal_notifications_at_once_are_one_round(world: World) -> None:
    received = await asyncio.gather(*(world.notify() for _ in range(8)))
    assert [r.accepted for r in received].count(True) == 1
    assert {r.round.id for r in received} == {received[0].round.id}
    assert {r.round.number for r in received} == {1}
    assert await world.effects() == [POST]


@both
async def test_two_other_notifications_at_once_are_two_rounds(world: World) -> None:
    received = await asyncio.gather(*(world.notify(f"Draft {n}.") for n in range(8)))
    assert sorted(r.round.number for r in received) == list(range(1, 9))
    assert [round_.number for round_ in await world.waiting()] == [8]


@both
async def test_two_tasks_of_one_execution_at_once_are_a_round_1_each(world: World) -> None:
    received = await asyncio.gather(*(world.notify(task_id=f"task {n}") for n in range(8)))
    assert [(r.accepted, r.round.number) for r in received] == [(True, 1)] * 8
    assert await activity_count(world) == 8


async def test_crews_executions_and_tasks_have_reviews_of_their_own(world: World) -> None:
    received = [
        await world.notify(),
        await world.notify(crew="other"),
        await world.notify(execution_id="e-2"),
        await world.notify(task_id="publish"),
    ]
    assert {r.round.number for r in received} == {1}
    assert len({r.round.review.id for r in received}) == 4


# --- activity and the end ---


async def test_activity_is_counted_and_closes_nothing(world: World) -> None:
    received = await world.notify()
    await world.record_update()
    assert await activity_count(world) == 2
    assert (await world.round(received.round.id)).state is State.WAITING


async def test_an_execution_is_known_by_its_activity_alone(world: World) -> None:
    await world.record_update("e-9", ended="the execution has ended")
    assert await activity_count(world, "e-9") == 1


async def test_the_end_closes_what_waits_or_is_stuck_and_nothing_else(world: World) -> None:
    waiting = await world.notify(task_id="waiting")
    decided = await world.notify(task_id="decided")
    stuck = await world.notify(task_id="stuck")
    elsewhere = await world.notify(execution_id="e-2")
    await world.decide(stuck.round.id)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    await world.decide(decided.round.id)
    world.clock.now = LATER
    await world.record_update(ended="the execution has ended")
    states = [
        (await world.round(received.round.id)).state
        for received in (waiting, stuck, decided, elsewhere)
    ]
    assert states == [State.CLOSED, State.CLOSED, State.DECIDED, State.WAITING]
    closed = await world.round(waiting.round.id)
    assert (closed.reason, closed.ended_at) == (ExecutionEnded(), LATER)


async def test_after_the_end_the_same_output_is_a_new_round(world: World) -> None:
    await world.notify()
    await world.record_update(ended="the execution has ended")
    again = await world.notify()
    assert (again.accepted, again.round.number) == (True, 2)


# --- what cannot be understood ---


async def test_an_unreadable_webhook_is_kept_as_it_came_and_reported(
    world: World, woken: list[str]
) -> None:
    body = b"\x00\xff not json"
    letter_id = await world.store_dead_letter(body)
    dead_letter = await world.uow.read.dead_letters.find(letter_id)
    assert dead_letter is not None
    assert (dead_letter.body, dead_letter.crew, dead_letter.received_at) == (body, "research", NOW)
    assert dead_letter.reason == "no execution_id"
    assert await world.effects() == [EffectKind.REPORT]
    assert woken == [POSTS]


async def activity_count(world: World, execution: str = "e-1") -> int:
    return (await world.execution(execution)).activity_count

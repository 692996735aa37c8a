"""Decisions that their asker fetches: each as often as it asks, and known as fetched once."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.crewai.payloads import decision_body
from crewgate.domain.acts import ToolCall
from crewgate.domain.audit import Code, digest_of
from crewgate.domain.caveats import NOTHING_SEEN
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import TooManyWait
from crewgate.domain.execution import ExecutionState
from crewgate.domain.reason import Dismissed, Expired, Fetched, NeverSent, NotFetched
from crewgate.domain.review import Review, Round, State
from crewgate.domain.verdict import Answer, Revise, Verdict
from crewgate.store.engine import Engines
from crewgate.store.tables import outbox
from crewgate.usecases.decide import dismiss, edit
from crewgate.usecases.delivery.resume import FETCH_WITHIN
from crewgate.usecases.fetch import Fetches
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from crewgate.usecases.removal import remove_texts
from crewgate.usecases.track import PAUSED_POLL, STATUS_POLL
from tests.builders import ANA, BEN, a_crew, a_rule, a_uow
from tests.databases import both
from tests.usecases.test_calls import ARGUMENTS, CALL, CLOSED, about, changed
from tests.usecases.world import CREW, STATUS, World

NOTIFY_STUCK = EffectKind.NOTIFY_STUCK
MINUTE = timedelta(minutes=1)
PATIENT = 60.0
"""A wait in seconds that no test ever reaches."""


DRAFT = Review(id="", crew="research", execution_id="e-1", task_id="draft")
SEND = replace(DRAFT, task_id="send_email-1")


class Asked(World):
    """A crew without an address, and who waits for its decisions."""

    fetches: Fetches

    def fetching(self, **options: Any) -> Fetches:
        return Fetches(self.uow, decision_body, clock=self.clock, new_id=self.new_id, **options)


@pytest.fixture
def asked(engines: Engines) -> Asked:
    def wake(destination: str) -> None:
        world.fetches.wake(destination)

    world = Asked(engines, a_uow(engines, wake), crews={"research": a_crew(is_fetched=True)})
    world.context = replace(world.context, clients={})
    world.fetches = world.fetching(look_every=timedelta(seconds=PATIENT), at_once=2)
    return world


async def fetch(
    world: Asked,
    review: Review,
    *,
    seconds: float = 0,
    there: bool = True,
    fetches: Fetches | None = None,
    number: int | None = None,
) -> Any:
    """Return the answer about the review's latest round."""
    body = await (fetches or world.fetches).fetch(
        world.crews[review.crew],
        review.execution_id,
        review.task_id,
        seconds=seconds,
        is_there=lambda: there,
        number=number,
    )
    return body if body is None else json.loads(body)


async def a_decision_of(world: World, verdict: Verdict | None = None) -> Round:
    received = await world.notify()
    return await world.decide(received.round.id, verdict)


async def test_a_decision_waits_until_it_is_fetched_and_is_given_again(asked: Asked) -> None:
    """An answer may be lost: the asker asks again."""
    decided = await a_decision_of(asked, Revise("Shorter."))
    await asked.turn(CREW)
    waits = await asked.round(decided.id)
    assert (waits.state, waits.reason) == (State.DECIDED, NotFetched())

    first = await fetch(asked, decided.review)
    fetched = await asked.round(decided.id)
    again = await fetch(asked, decided.review)

    assert first == again
    assert first == {
        "state": "decided",
        "round": 1,
        "human_feedback": "Shorter.",
        "is_approve": False,
    }
    assert (fetched.state, fetched.reason) == (State.RESUMED, Fetched())
    assert await asked.round(decided.id) == fetched
    [entry] = await asked.entries(Code.FETCHED)
    assert entry["data"]["sent"] == digest_of(json.dumps(first).encode(), decided.salt)
    assert entry["actor"] == "crew"
    assert not asked.crew.taken
    asked.clock.advance(FETCH_WITHIN)
    await asked.turn(CREW)
    assert EffectKind.RESUME not in await asked.effects()
    assert NOTIFY_STUCK not in await asked.effects()


async def test_what_nobody_fetches_for_an_hour_is_said_and_can_still_be_fetched(
    asked: Asked,
) -> None:
    decided = await a_decision_of(asked)
    await asked.turn(CREW)
    asked.clock.advance(FETCH_WITHIN - MINUTE)
    await asked.turn(CREW)
    assert NOTIFY_STUCK not in await asked.effects()

    asked.clock.advance(MINUTE)
    await asked.turn(CREW)

    stuck = await asked.round(decided.id)
    assert (stuck.state, stuck.reason) == (State.STUCK, NotFetched())
    assert (await asked.effects())[-1] is NOTIFY_STUCK
    await asked.retry(decided.id)
    await asked.turn(CREW)
    assert (await asked.round(decided.id)).state is State.DECIDED
    assert (await fetch(asked, decided.review))["is_approve"]
    assert (await asked.round(decided.id)).state is State.RESUMED


async def test_an_hour_in_which_this_bot_did_not_listen_does_not_count(asked: Asked) -> None:
    decided = await a_decision_of(asked)
    asked.clock.advance(2 * FETCH_WITHIN)
    asked.context.listening.since = asked.clock()
    await asked.turn(CREW)
    assert (await asked.round(decided.id)).state is State.DECIDED
    asked.clock.advance(FETCH_WITHIN)
    await asked.turn(CREW)
    assert (await asked.round(decided.id)).state is State.STUCK


async def test_a_decision_wakes_whoever_waits_for_it(asked: Asked) -> None:
    received = await asked.notify()
    other = await asked.notify(task_id="other")
    review = received.round.review
    waiting = [asyncio.create_task(fetch(asked, review, seconds=PATIENT)) for _ in range(2)]
    await asyncio.wait(waiting, timeout=0)  # now they do

    await asked.decide(other.round.id)
    assert not any(one.done() for one in waiting)
    await asked.decide(received.round.id)

    first, second = await asyncio.gather(*waiting)
    assert first == second
    assert first["is_approve"]
    assert len(await asked.entries(Code.FETCHED)) == 1


@both
async def test_what_another_bot_stores_is_seen_soon(asked: Asked) -> None:
    """Both fetch it at once, and it is fetched once."""
    received = await asked.notify()
    soon = asked.fetching(look_every=timedelta(milliseconds=1))
    review = received.round.review
    waiting = [
        asyncio.create_task(fetch(asked, review, seconds=PATIENT, fetches=soon)) for _ in range(3)
    ]
    beside = World(asked.engines, a_uow(asked.engines), crews=asked.crews, clock=asked.clock)
    await beside.decide(received.round.id)

    assert all(one["state"] == "decided" for one in await asyncio.gather(*waiting))
    assert len(await asked.entries(Code.FETCHED)) == 1


async def test_whoever_waits_is_answered_at_the_end_of_the_bot(asked: Asked) -> None:
    review = (await asked.notify()).round.review
    waiting = asyncio.create_task(fetch(asked, review, seconds=PATIENT))
    await asyncio.wait([waiting], timeout=0)
    asked.fetches.stop()
    assert await waiting == {"state": "waiting", "round": 1}
    assert await fetch(asked, review, seconds=PATIENT) == {"state": "waiting", "round": 1}


async def test_only_so_many_wait_and_what_is_decided_is_given_to_all(asked: Asked) -> None:
    received = await asked.notify()
    review = received.round.review
    waiting = [asyncio.create_task(fetch(asked, review, seconds=PATIENT)) for _ in range(2)]
    await asyncio.wait(waiting, timeout=0)
    with pytest.raises(TooManyWait):
        await fetch(asked, review, seconds=PATIENT)
    assert (await fetch(asked, review))["state"] == "waiting"
    await asked.decide(received.round.id)
    assert (await fetch(asked, review, seconds=PATIENT))["state"] == "decided"
    await asyncio.gather(*waiting)


async def test_a_crew_that_fills_the_room_makes_room_for_another(asked: Asked) -> None:
    asked.crews["sales"] = a_crew(name="sales", is_fetched=True)
    review = (await asked.notify()).round.review
    other = (await asked.notify(crew="sales")).round.review
    first, second = (asyncio.create_task(fetch(asked, review, seconds=PATIENT)) for _ in range(2))
    await asyncio.wait([first, second], timeout=0)
    theirs = asyncio.create_task(fetch(asked, other, seconds=PATIENT))
    assert await first == {"state": "waiting", "round": 1}
    with pytest.raises(TooManyWait):
        await fetch(asked, review, seconds=PATIENT)
    asked.fetches.stop()
    await asyncio.gather(second, theirs)


async def test_a_review_that_was_never_opened_is_unknown(asked: Asked) -> None:
    opened = (await asked.notify()).round.review
    unknown = replace(opened, task_id="nothing")
    assert await fetch(asked, unknown, seconds=PATIENT) is None
    assert await fetch(asked, opened) == {"state": "waiting", "round": 1}


async def test_the_answer_to_a_flow_is_not_fetched(asked: Asked) -> None:
    """It is sent to the flow's own address."""
    received = await asked.ask()
    assert await fetch(asked, received.round.review) is None
    await asked.decide(received.round.id, Revise("Shorter."))
    assert await fetch(asked, received.round.review) is None
    assert (await asked.round(received.round.id)).state is State.DECIDED


async def test_a_flow_of_such_a_crew_is_answered_at_its_own_address(asked: Asked) -> None:
    received = await asked.ask(outcomes=("yes", "no"))
    await asked.decide(received.round.id, Answer("yes", is_label=True))
    await asked.turn(CREW)
    assert (await asked.round(received.round.id)).state is State.RESUMED
    assert EffectKind.RESUME not in await asked.effects()


async def test_nothing_is_fetched_by_an_asker_that_has_hung_up(asked: Asked) -> None:
    decided = await a_decision_of(asked)
    assert await fetch(asked, decided.review, there=False) == {"state": "waiting", "round": 1}
    assert (await asked.round(decided.id)).state is State.DECIDED


async def test_a_persons_own_text_is_given(asked: Asked) -> None:
    received = await asked.notify("A draft.", takes_edits=True)
    await edit(
        received.round.id,
        "Another.",
        by=ANA,
        context=asked.reviews,
        seen=NOTHING_SEEN,
    )
    assert await fetch(asked, received.round.review) == {
        "state": "decided",
        "round": 2,
        "human_feedback": "Approved.",
        "edited": {"output": "Another.", "is_approve": True},
    }


async def test_a_call_that_a_person_changed_is_given_with_its_arguments(asked: Asked) -> None:
    asks = (await asked.notify(**about(is_fetched=True))).round
    await changed(asked, asks, to="ann")
    given = await fetch(asked, asks.review)
    assert given["edited"] == {"arguments": ARGUMENTS | {"to": "ann"}, "is_approve": True}
    assert "is_approve" not in given


async def test_a_refusal_of_a_call_that_a_person_changed_is_given_without_arguments(
    asked: Asked,
) -> None:
    asked.crews["research"] = a_crew(rules=(a_rule(approvals=2),), is_fetched=True)
    asks = (await asked.notify(**about(is_fetched=True))).round
    theirs = await changed(asked, asks, to="ann")
    await asked.decide(theirs.id, Revise("Not to Ann."), by=BEN)
    given = await fetch(asked, asks.review)
    assert (given["is_approve"], given["human_feedback"]) == (False, "Not to Ann.")
    assert "edited" not in given


async def test_what_is_dismissed_is_closed(asked: Asked) -> None:
    decided = await a_decision_of(asked)
    asked.clock.advance(FETCH_WITHIN)
    await asked.turn(CREW)
    await dismiss(decided.id, "Gone.", by=BEN, context=asked.reviews)
    closed = await asked.round(decided.id)
    assert closed.reason == Dismissed(BEN, "Gone.")
    assert await fetch(asked, closed.review) == {"state": "closed", "round": 1}
    await asked.notify("A newer one.")
    assert await fetch(asked, closed.review) == {"state": "waiting", "round": 2}


async def test_a_crew_that_is_called_can_have_a_decision_fetched(asked: Asked) -> None:
    """It is not resumed; its status, which may know nothing of the question, closes nothing."""
    asked.crews["research"] = a_crew()
    asked.context = replace(asked.context, clients={"research": asked.crew})
    received = await asked.notify(is_fetched=True)
    other = await asked.notify(task_id="other")
    asked.crew.says = CrewUnavailable("404", gone=True, answered=True)
    for _ in range(5):
        asked.clock.advance(PAUSED_POLL)
        await asked.turn(STATUS)
    assert (await asked.round(received.round.id)).state is State.WAITING

    await asked.decide(received.round.id)
    await asked.turn(CREW)
    assert not asked.crew.taken
    asked.crew.says = Progress(
        status=CrewStatus.RUNNING,
        word="running",
        current_task="mail",
        completed_tasks=1,
        total_tasks=2,
    )
    assert (await fetch(asked, received.round.review))["is_approve"]
    assert await fetch(asked, other.round.review) is None
    asked.clock.advance(STATUS_POLL.first)
    await asked.turn(STATUS)
    assert (await asked.execution()).completed_tasks == 1


async def test_an_execution_nobody_can_be_asked_for_ends_once_nothing_waits_in_it(
    asked: Asked,
) -> None:
    """And goes on with its next question: else its texts would be kept for ever."""
    received = await asked.notify()
    asked.clock.advance(PAUSED_POLL)
    await asked.turn(STATUS)
    assert (await asked.execution()).state is ExecutionState.RUNNING
    await asked.decide(received.round.id)
    await fetch(asked, received.round.review)
    asked.clock.advance(PAUSED_POLL)
    await asked.turn(STATUS)
    ended = await asked.execution()
    assert (ended.state, ended.ended_at) == (ExecutionState.COMPLETED, asked.clock())

    await asked.notify("Another.", task_id="next")
    assert (await asked.execution()).state is ExecutionState.RUNNING
    asked.clock.advance(PAUSED_POLL)
    await asked.turn(STATUS)
    assert (await asked.execution()).state is ExecutionState.RUNNING
    assert EffectKind.POST_RESULT not in asked.messages_said()


@both
@pytest.mark.parametrize("call", [None, CALL], ids=["output", "call"])
async def test_a_decision_that_was_fetched_is_spent(asked: Asked, call: ToolCall | None) -> None:
    """A program that asks the same each night asks a person each night."""
    await asked.decide((await asked.notify("Deploy?", call=call)).round.id)
    assert (await fetch(asked, DRAFT))["state"] == "decided"

    again = await asked.notify("Deploy?", call=call)

    assert (again.accepted, again.round.number) == (True, 2)
    assert await fetch(asked, DRAFT) == {"state": "waiting", "round": 2}
    assert not (await asked.notify("Deploy?", call=call)).accepted


async def test_a_decision_that_nobody_fetched_is_not_the_next_one_s(asked: Asked) -> None:
    decided = await a_decision_of(asked)
    await asked.turn(CREW)
    assert not (await asked.notify()).accepted  # its asker may be there yet
    asked.clock.advance(FETCH_WITHIN)
    await asked.turn(CREW)

    again = await asked.notify()

    assert again.accepted
    assert (await asked.round(decided.id)).reason == NeverSent()
    assert await fetch(asked, DRAFT) == {"state": "waiting", "round": 2}


async def test_a_call_that_was_dismissed_can_be_asked_again(asked: Asked) -> None:
    first = (await asked.notify(**about(pause_id=None))).round
    await asked.decide(first.id)
    await asked.turn(CREW)
    asked.clock.advance(FETCH_WITHIN)
    await asked.turn(CREW)
    await dismiss(first.id, "Its program is gone.", by=ANA, context=asked.reviews)
    again = await asked.notify(**about(pause_id=None))
    assert (again.accepted, again.round.state) == (True, State.WAITING)


async def test_a_call_that_was_withdrawn_can_be_asked_again(asked: Asked) -> None:
    await asked.notify(**about(pause_id=None))
    await asked.notify(**about(pause_id=None, call_result=CLOSED))
    again = await asked.notify(**about(pause_id=None))
    assert (again.accepted, again.round.state) == (True, State.WAITING)


async def test_a_pause_that_is_named_is_the_same_after_it_was_fetched(asked: Asked) -> None:
    await asked.decide((await asked.notify(pause_id="p-1")).round.id)
    await fetch(asked, DRAFT)
    assert not (await asked.notify(pause_id="p-1")).accepted
    assert (await fetch(asked, DRAFT))["state"] == "decided"


async def test_an_asker_that_names_its_round_is_given_no_other_decision(asked: Asked) -> None:
    first = await a_decision_of(asked)
    assert (await fetch(asked, DRAFT, number=1))["state"] == "decided"
    await asked.notify("A newer one.")
    assert await fetch(asked, DRAFT, number=1, seconds=PATIENT) == {"state": "closed", "round": 1}
    assert await fetch(asked, DRAFT, number=2) == {"state": "waiting", "round": 2}
    assert await fetch(asked, DRAFT, number=3, seconds=PATIENT) is None
    assert (await asked.round(first.id)).reason == Fetched()


async def test_a_call_that_a_person_changed_is_still_the_question_of_its_asker(
    asked: Asked,
) -> None:
    await asked.notify(**about("Earlier.", is_fetched=True, pause_id="p-0"))
    second = (await asked.notify(**about(is_fetched=True))).round
    assert second.number == 2
    await changed(asked, second, to="ann")
    given = await fetch(asked, SEND, number=2)
    assert (given["state"], given["round"]) == ("decided", 3)
    assert await fetch(asked, SEND, number=1) == {"state": "closed", "round": 1}


@both
async def test_an_approval_of_a_call_says_when_it_ends_and_is_not_given_after(
    asked: Asked,
) -> None:
    decided = await asked.decide((await asked.notify(**about(is_fetched=True))).round.id)
    given = await fetch(asked, SEND)
    assert given["valid_until"] == (asked.clock() + timedelta(hours=1)).isoformat()
    asked.clock.advance(timedelta(hours=1))
    assert await fetch(asked, SEND) == {"state": "closed", "round": 1}
    assert (await asked.round(decided.id)).state is State.RESUMED


@both
@pytest.mark.parametrize("is_stuck", [False, True])
async def test_an_approval_that_ended_before_it_was_fetched_is_asked_for_anew(
    asked: Asked, is_stuck: bool
) -> None:
    decided = await asked.decide((await asked.notify(**about(is_fetched=True))).round.id)
    asked.clock.advance(FETCH_WITHIN)
    if is_stuck:
        await asked.turn(CREW)
        assert (await asked.round(decided.id)).state is State.STUCK
    assert await fetch(asked, SEND, there=False) == {"state": "waiting", "round": 1}
    assert await fetch(asked, SEND, number=1) == {"state": "waiting", "round": 2}
    [anew] = await asked.waiting()
    assert (anew.number, anew.is_fetched, anew.subject) == (2, True, CALL)
    await asked.decide(anew.id)
    assert (await fetch(asked, SEND, number=1))["is_approve"]


async def test_retry_after_its_end_asks_anew_about_what_nobody_fetched(asked: Asked) -> None:
    decided = await asked.decide((await asked.notify(**about(is_fetched=True))).round.id)
    asked.clock.advance(FETCH_WITHIN)
    await asked.turn(CREW)
    await asked.retry(decided.id)
    await asked.turn(CREW)
    assert [one.number for one in await asked.waiting()] == [2]
    assert (await asked.round(decided.id)).reason == Expired()


@both
async def test_a_changed_call_whose_texts_were_removed_is_closed(asked: Asked) -> None:
    await changed(asked, (await asked.notify(**about(is_fetched=True))).round, to="ann")
    assert await fetch(asked, SEND)
    await asked.record_update(ended="the execution has ended")
    await asked.settle_slack()
    asked.clock.advance(timedelta(days=400))
    await asked.settle_slack()
    async with asked.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    before = asked.clock() - timedelta(days=90)
    removed = remove_texts("research", before=before, begin=asked.uow.begin, clock=asked.clock)
    assert [one.total() async for one in removed][-1] == 1
    assert await fetch(asked, SEND) == {"state": "closed", "round": 2}

"""A person's own text: approved in a round of its own, or asked for as one exact revision."""

import asyncio
import json
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from crewgate.domain.audit import Code
from crewgate.domain.caveats import Seen, Share
from crewgate.domain.edits import REVISION_LIMIT
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    AlreadyDecided,
    ConfirmationNeeded,
    NotAReviewer,
    NothingEdited,
    RoundSuperseded,
    SelfApproval,
    TooManyEdits,
    VerdictMisplaced,
)
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.people import User
from crewgate.domain.reason import EditedBy, NeverSent
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Reminders, TimeOut, TimeoutAction
from crewgate.domain.verdict import Answer, Approve, Person, Revise, Via
from crewgate.store.tables import audit_entries
from crewgate.store.tables import rules as rules_table
from crewgate.usecases.away import go_away
from crewgate.usecases.decide import edit, may_edit, take_back
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.timed import HOUR, after, said
from tests.usecases.world import CREW, World

DRAFT = "Tea.\n\nIt costs 3 euros.\n\nBuy it."
EDITED = "Tea.\n\nIt costs 4 euros.\n\nBuy it."
PEOPLE = (User(ANA.id), User(BEN.id), User(CAI.id))
WHOLE = Seen(share=Share(len(DRAFT), len(DRAFT)))


@pytest.fixture
def world(world: World) -> World:
    world.crews["research"] = a_crew(reviewers=PEOPLE)
    return world


async def edited(
    world: World,
    round_: Round,
    text: str = EDITED,
    *,
    by: Person = ANA,
    seen: Seen = WHOLE,
) -> Round:
    return await edit(
        round_.id,
        text,
        by=by,
        context=world.reviews,
        seen=seen,
    )


@both
async def test_a_crew_that_takes_no_other_text_is_asked_for_exactly_these_edits(
    world: World,
) -> None:
    waiting = (await world.notify(DRAFT)).round
    world.crew.pause(DRAFT)
    decided = await edited(world, waiting)
    assert decided.id == waiting.id
    assert decided.decision is not None
    assert (decided.decision.by, decided.decision.via) == (ANA, Via.EDIT)
    assert decided.decision.verdict == Revise(
        "Make this edit in your last answer, word for word, and change nothing else.\n\n"
        "Replace\n<<<\nIt costs 3 euros.\n>>>\nwith\n<<<\nIt costs 4 euros.\n>>>"
    )
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert (taken.output, taken.decision.is_approve) == (DRAFT, False)
    again = (await world.notify(EDITED)).round
    view = (await world.uow.read.posting(again.id)).view
    assert (view.previous and view.previous.id, view.asked_text) == (waiting.id, EDITED)
    assert view.with_earlier(()).asked_text is None


@both
async def test_a_crew_that_takes_it_gets_the_text_as_the_output(world: World) -> None:
    urls = WebhookUrls(task="https://example.com/task")
    waiting = (await world.notify(DRAFT, takes_edits=True, webhooks=urls)).round
    assert (await world.round(waiting.id)).takes_edits
    world.crew.pause(DRAFT)
    await world.settle_slack()
    decided = await edited(world, waiting)
    assert (decided.number, decided.edited_by, decided.state) == (2, ANA, State.DECIDED)
    assert decided.decision is not None
    assert (decided.decision.verdict, decided.decision.via) == (Approve(), Via.EDIT)
    replaced = await world.round(waiting.id)
    assert (replaced.state, replaced.reason) == (State.SUPERSEDED, EditedBy(ANA))
    stored = await world.uow.read.posting(decided.id)
    assert (stored.view.round.edited_by, stored.view.output.text) == (ANA, EDITED)
    kinds = [EffectKind.REFRESH, EffectKind.POST, EffectKind.REFRESH, EffectKind.RESUME]
    assert await world.effects() == kinds

    await world.turn(CREW)
    [taken] = world.crew.taken
    assert (taken.output, taken.decision.is_approve) == (EDITED, True)
    assert taken.webhooks.task == "https://example.com/task"
    assert (await world.round(decided.id)).state is State.RESUMED


async def test_a_decision_about_an_edited_text_is_sent_again_with_the_text(world: World) -> None:
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    world.crew.pause(DRAFT)
    decided = await edited(world, waiting)
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    assert (await world.round(decided.id)).in_doubt
    world.clock.advance(world.context.grace)
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert (taken.output, (await world.round(decided.id)).state) == (EDITED, State.RESUMED)


@both
async def test_where_several_approve_each_votes_on_the_text_that_they_were_shown(
    world: World,
) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(a_rule(approvals=2),))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    world.crew.pause(DRAFT)
    await world.decide(waiting.id, by=BEN)
    theirs = await edited(world, waiting)
    assert (theirs.state, [vote.by for vote in theirs.votes]) == (State.WAITING, [ANA])
    with pytest.raises(RoundSuperseded):
        await world.decide(waiting.id, by=CAI)
    assert (await world.round(theirs.id)).votes == theirs.votes

    decided = await world.decide(theirs.id, by=BEN)
    assert decided.decision is not None
    assert [vote.by for vote in decided.decision.votes] == [ANA, BEN]
    await world.turn(CREW)
    assert world.crew.taken[0].output == EDITED


async def test_time_leaves_a_text_that_others_have_not_approved(world: World) -> None:
    out = TimeOut(Duration.parse("3d"), TimeoutAction.APPROVE)
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(a_rule(approvals=2, timeout=out),))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    theirs = await world.round((await edited(world, waiting)).id)
    assert theirs.rule.timeout == TimeOut(out.after, TimeoutAction.LEAVE)


async def test_an_edited_text_can_be_edited_and_sent_back(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    world.crew.pause(DRAFT)
    second = await edited(world, waiting)
    third = await edited(world, second, "Coffee.", by=BEN)
    assert (third.number, third.edited_by, [vote.by for vote in third.votes]) == (3, BEN, [BEN])
    await world.decide(third.id, Revise("Longer."), by=ANA)
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert (taken.output, taken.decision.human_feedback) == ("Coffee.", "Longer.")
    # The crew comes back with what it had, which is not what people were shown last.
    again = (await world.notify(DRAFT, takes_edits=True)).round
    assert (again.number, again.edited_by, again.unchanged) == (4, None, False)


async def test_the_crews_own_text_after_a_persons_was_taken_is_asked_about(world: World) -> None:
    """A guardrail refused the person's text, and the agent is back at its own."""
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    world.crew.pause(DRAFT)
    await edited(world, waiting)
    await world.turn(CREW)
    again = await world.notify(DRAFT, takes_edits=True)
    assert (again.accepted, again.round.number, again.round.unchanged) == (True, 3, False)


@both
async def test_notes_wait_with_the_text_for_those_who_approve_it_next(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(a_rule(approvals=2),))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    await world.settle_slack()
    card = (await world.uow.read.posting(waiting.id)).card
    assert card is not None
    await world.note(card, "9.1", by=CAI)
    with pytest.raises(ConfirmationNeeded) as asked:
        await edited(world, waiting)
    theirs = await edited(world, waiting, seen=asked.value.caveats.seen)
    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(theirs.id, by=BEN)
    assert asked.value.caveats.notes == 1
    assert not (await world.uow.read.posting(waiting.id)).view.notes
    decided = await world.decide(theirs.id, by=BEN, seen=asked.value.caveats.seen)
    assert decided.decision is not None
    assert decided.decision.unsent_notes == 1


async def test_those_who_approve_a_text_next_are_reminded_anew(world: World) -> None:
    remind = Reminders(after=Duration.parse("2h"), most=1)
    rule = a_rule(approvals=2, remind=remind)
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(rule,))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    await world.settle_slack()
    await after(world, 2 * HOUR)
    theirs = await edited(world, waiting)
    await world.settle_slack()
    await after(world, 2 * HOUR)
    keys = [f"reminder {one.id} 1" for one in (waiting, theirs)]
    assert said(world, "reminder") == keys


async def test_of_two_edits_at_once_the_first_one_counts(world: World) -> None:
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    await edited(world, waiting)
    with pytest.raises(RoundSuperseded) as caught:
        await edited(world, waiting, "Coffee.", by=BEN)
    assert caught.value.edited_by == ANA
    plain = (await world.notify(DRAFT, task_id="other")).round
    await edited(world, plain)
    with pytest.raises(AlreadyDecided):
        await edited(world, plain, "Coffee.", by=BEN)


@pytest.mark.parametrize("takes_edits", [True, False])
async def test_who_sends_a_text_twice_has_sent_it(world: World, *, takes_edits: bool) -> None:
    waiting = (await world.notify(DRAFT, takes_edits=takes_edits)).round
    first = await edited(world, waiting)
    again = await edited(world, waiting)
    assert (again.id, again.version) == (first.id, (await world.round(first.id)).version)
    for text, by in (("Coffee.", ANA), (EDITED, BEN)):
        with pytest.raises(RoundSuperseded if takes_edits else AlreadyDecided):
            await edited(world, waiting, text, by=by)


async def test_a_text_that_nobody_may_send_changes_nothing(world: World) -> None:
    waiting = (await world.notify(DRAFT)).round
    for refused, attempt in (
        (NothingEdited, partial(edited, world, waiting, f"{DRAFT}  ")),
        (TooManyEdits, partial(edited, world, waiting, "x" * REVISION_LIMIT)),
        (NotAReviewer, partial(edited, world, waiting, by=EVE)),
    ):
        with pytest.raises(refused):
            await attempt()
    assert (await world.round(waiting.id)).version == waiting.version
    question = (await world.ask(DRAFT)).round
    with pytest.raises(VerdictMisplaced):
        await edited(world, question)


async def test_whoever_started_it_may_not_approve_a_text_of_their_own(world: World) -> None:
    rule = a_rule(self_approval=False)
    world.crews["research"] = a_crew(rules=(rule,))
    await world.start()
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    with pytest.raises(SelfApproval):
        await edited(world, waiting)
    # Nor are they given the form for it.
    with pytest.raises(SelfApproval):
        await may_edit(waiting.id, by=ANA, context=world.reviews)
    await may_edit(waiting.id, by=BEN, context=world.reviews)
    assert (await world.round(waiting.id)).state is State.WAITING
    plain = (await world.notify(DRAFT, task_id="other")).round
    await may_edit(plain.id, by=ANA, context=world.reviews)
    assert (await edited(world, plain)).state is State.DECIDED


async def test_who_takes_an_approval_back_has_not_sent_it_again(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    theirs = await edited(world, waiting)
    assert (await edited(world, waiting)).votes == theirs.votes
    await take_back(theirs.id, by=ANA, context=world.reviews)
    with pytest.raises(RoundSuperseded):
        await edited(world, waiting)


WIRE = "Tea.\n\nMake a wire transfer.\n\nBuy it."
WIRES = a_rule(name="wires", when=Conditions(contains=("wire transfer",)), approvals=2)


@both
async def test_a_text_that_a_rule_is_for_comes_under_it(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(WIRES,))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    world.crew.pause(DRAFT)
    theirs = await world.round((await edited(world, waiting, WIRE)).id)
    assert (theirs.state, theirs.rule, [one.by for one in theirs.votes]) == (
        State.WAITING,
        WIRES,
        [ANA],
    )
    decided = await world.decide(theirs.id, by=BEN)
    assert decided.state is State.DECIDED
    assert await rules_of_entries(world, theirs.id) == {"wires"}


async def test_a_text_does_not_leave_the_rule_of_the_crews(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(WIRES, a_rule(name="rest")))
    waiting = (await world.notify(WIRE, takes_edits=True)).round
    theirs = await edited(world, waiting, DRAFT)
    assert (theirs.state, theirs.rule) == (State.WAITING, WIRES)


async def test_whoever_may_not_decide_under_the_rule_of_their_text_cannot_send_it(
    world: World,
) -> None:
    rule = replace(WIRES, reviewers=(User(BEN.id), User(CAI.id)))
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(rule,))
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    with pytest.raises(NotAReviewer) as refused:
        await edited(world, waiting, WIRE)
    assert refused.value.rule == "wires"
    assert (await world.round(waiting.id)).state is State.WAITING
    assert (await edited(world, waiting, WIRE, by=BEN)).rule == rule


@both
async def test_a_comment_that_a_rule_is_for_brings_the_round_under_it(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(WIRES,))
    waiting = (await world.notify(DRAFT)).round
    world.crew.pause(DRAFT)
    voted = await world.decide(waiting.id, Approve("And make a wire transfer."))
    assert (voted.state, voted.rule) == (State.WAITING, WIRES)
    await world.decide(waiting.id, Approve("Fine."), by=BEN)
    await world.turn(CREW)
    assert world.crew.taken[0].decision.human_feedback == (
        "Ana: And make a wire transfer.\n\nBen: Fine."
    )
    assert await rules_of_entries(world, waiting.id) == {"", "wires"}
    other = (await world.notify(DRAFT, task_id="other")).round
    assert (await world.decide(other.id, Approve("Fine."))).state is State.DECIDED


async def test_an_approval_for_somebody_away_does_not_count_where_the_rule_of_a_comment_forbids_it(
    world: World,
) -> None:
    rules = (replace(WIRES, delegation=False), a_rule(approvals=2))
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=rules)
    await go_away(ANA, EVE, until=world.clock() + 2 * HOUR, context=world.reviews)
    waiting = (await world.notify(DRAFT)).round
    await world.decide(waiting.id, by=EVE)
    voted = await world.decide(waiting.id, Approve("And make a wire transfer."), by=BEN)
    assert (voted.state, [one.by for one in voted.votes]) == (State.WAITING, [BEN])
    assert (await world.decide(waiting.id, by=CAI)).state is State.DECIDED


async def test_an_escalation_that_the_rule_of_a_comment_does_not_have_calls_nobody(
    world: World,
) -> None:
    escalate = Escalation(Duration.parse("1h"), (User(EVE.id),))
    rules = (replace(WIRES, reviewers=(User(ANA.id), User(BEN.id))), a_rule(escalate=escalate))
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=rules)
    waiting = (await world.notify(DRAFT)).round
    await world.settle_slack()
    await world.decide(waiting.id, Approve("A wire transfer."))
    await world.settle_slack()
    await after(world, HOUR)
    assert (await world.round(waiting.id)).escalated_at is None
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=EVE)


async def test_words_to_a_flow_come_under_the_rule_that_is_for_them(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(WIRES,))
    waiting = (await world.ask(DRAFT)).round
    voted = await world.decide(waiting.id, Revise("Make a wire transfer."))
    assert (voted.state, voted.rule) == (State.WAITING, WIRES)
    label = (await world.ask(DRAFT, request_id="8413")).round
    assert (await world.decide(label.id, Answer("approved", is_label=True))).decision is not None


async def rules_of_entries(world: World, round_id: str) -> set[str]:
    """The names of the rules that the trail's entries of a round are under."""
    async with world.engines.read.connect() as connection:
        bodies = (await connection.execute(sa.select(audit_entries.c.body))).scalars()
        told = [json.loads(body)["data"] for body in bodies]
        kept = await connection.execute(sa.select(rules_table.c.id, rules_table.c.rule))
        names = {one.id: json.loads(one.rule)["name"] for one in kept} | {"": ""}
    return {names[one["rule"]] for one in told if one.get("round") == round_id}


@pytest.mark.parametrize("takes_edits", [True, False])
async def test_notes_that_nobody_was_asked_about_are_asked_about(
    world: World, *, takes_edits: bool
) -> None:
    waiting = (await world.notify(DRAFT, takes_edits=takes_edits)).round
    await world.settle_slack()
    card = (await world.uow.read.posting(waiting.id)).card
    assert card is not None
    await world.note(card, "9.1", by=BEN)
    with pytest.raises(ConfirmationNeeded) as caught:
        await edited(world, waiting)
    assert not caught.value.caveats.unseen
    assert (await world.round(waiting.id)).state is State.WAITING
    decided = await edited(world, waiting, seen=caught.value.caveats.seen)
    assert decided.decision is not None
    assert decided.decision.unsent_notes == 1


async def test_a_text_that_was_refused_is_sent_again_by_retry(world: World) -> None:
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    decided = await edited(world, waiting)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.STUCK
    world.crew.pause(DRAFT)
    await world.retry(decided.id)
    await world.turn(CREW)
    assert [taken.output for taken in world.crew.taken] == [EDITED]


async def test_a_newer_output_ends_a_text_that_was_never_sent(world: World) -> None:
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    decided = await edited(world, waiting)
    newer = (await world.notify("Coffee.", takes_edits=True)).round
    assert (newer.number, newer.edited_by) == (3, None)
    ended = await world.round(decided.id)
    assert (ended.state, ended.reason) == (State.CLOSED, NeverSent())
    await world.turn(CREW)
    assert not world.crew.asked


@both
async def test_the_audit_trail_says_whose_text_it_is(world: World) -> None:
    waiting = (await world.notify(DRAFT, takes_edits=True)).round
    await edited(world, waiting)
    async with world.engines.read.connect() as connection:
        rows = await connection.execute(sa.select(audit_entries.c.body).order_by("id"))
        told = [json.loads(body) for body in rows.scalars()]
    assert {(one["code"], one["actor"]) for one in told} == {
        (Code.OPENED, "crew"),
        (Code.EDITED, ANA.id),
        (Code.OPENED, ANA.id),
        (Code.DECIDED, ANA.id),
    }


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_webhooks_at_the_same_moment_find_the_round_of_an_edited_text(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    for webhook in (
        partial(world.notify, "Coffee."),
        partial(world.record_update, "e-1", ended="It ended."),
    ):
        waiting = (await world.notify(DRAFT, takes_edits=True)).round
        async with world.uow.begin() as tx:
            await tx.round(waiting.id)
            editing = asyncio.create_task(edited(world, waiting))
            await until_waiting(world, 1)
            coming = asyncio.create_task(webhook())
            await until_waiting(world, 2)
        theirs = await editing
        await coming
        assert (await world.round(theirs.id)).state in (State.SUPERSEDED, State.CLOSED)


async def until_waiting(world: World, count: int) -> None:
    """Return once so many transactions wait for a lock."""
    async with world.engines.for_outbox.read.connect() as connection:
        waits = sa.text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        while await connection.scalar(waits) < count:
            pass

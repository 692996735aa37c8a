"""A flow's request, from its arrival to what came of its answer."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.caveats import Seen
from crewgate.domain.effects import TIMER, EffectKind
from crewgate.domain.errors import (
    ConfirmationNeeded,
    NotAReviewer,
    VerdictMisplaced,
    VotedOtherwise,
)
from crewgate.domain.execution import ExecutionState, TaskUpdate
from crewgate.domain.notification import CALLED_EVERY, Ask, Question
from crewgate.domain.outcome import NotSent, RefusalKind, Refused
from crewgate.domain.people import Email, Notify, Role, User
from crewgate.domain.reason import (
    AnsweredElsewhere,
    Dismissed,
    NotCalled,
    PerhapsTaken,
    RefusedByCrew,
    TakenAs,
    TimeOver,
)
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Reminders, Rule
from crewgate.domain.verdict import Answer, Approve, Revise
from crewgate.encryption import Cipher
from crewgate.store.column_types import Secret
from crewgate.store.tables import flow_requests, outbox
from crewgate.usecases.decide import answer_of, dismiss
from tests.builders import ANA, BEN, EVE, a_note, a_rule, a_secret_key
from tests.databases import both
from tests.usecases.faults import AWAY, LOST, Crashed, Fault
from tests.usecases.timed import after
from tests.usecases.world import CREW, World

APPROVED = Answer("approved", is_label=True)
OPERATOR = User(BEN.id)


async def answered(world: World, verdict: Answer | Revise = APPROVED) -> Round:
    """A request that Ana answered; nothing is sent yet."""
    asked = await world.ask()
    return await world.decide(asked.round.id, verdict)


async def sent(world: World, round_: Round) -> Round:
    """The round after one more try to send its answer."""
    await world.turn(CREW)
    return await world.round(round_.id)


async def callback_of(world: World, round_: Round) -> object:
    return await world.uow.read.callback(round_.id)


async def test_a_request_is_a_round_of_the_flows_method(world: World) -> None:
    received = await world.ask()
    round_ = received.round
    assert received.accepted
    assert (round_.review.execution_id, round_.review.task_id) == ("f-1", "review_article")
    assert round_.review.agent == "ContentFlow"
    assert await world.round(round_.id) == round_
    assert await world.effects() == [EffectKind.POST]
    assert (await world.execution("f-1")).tracked
    callback = await world.uow.read.callback(round_.id)
    assert callback is not None
    assert callback.url == "https://app.crewai.com/requests/8412?t=x"


async def test_a_repeated_request_is_known_by_its_id(world: World) -> None:
    first = await world.ask()
    again = await world.ask("Another text.")
    assert (again.accepted, again.round) == (False, first.round)
    await world.ask(escalation=True)
    assert await world.effects() == [EffectKind.POST, EffectKind.CALL_ASSIGNED]
    second = await world.ask(request_id="8413")
    assert (second.accepted, second.round.number) == (True, 2)
    assert (await world.round(first.round.id)).state is State.SUPERSEDED
    assert await callback_of(world, first.round) is None
    late = await world.ask()
    assert (late.accepted, late.round.id) == (False, first.round.id)


async def test_each_place_where_a_flow_asks_for_words_is_a_review(world: World) -> None:
    first = (await world.ask("Which topic?", outcomes=(), ask=Ask(place="review_article 1"))).round
    assert (first.review.task_id, first.review.title) == ("review_article 1", "review_article")
    second = await world.ask("How long?", request_id="2", ask=Ask(place="review_article 2"))
    assert second.round.number == 1
    other = await world.ask("Which one?", request_id="3", ask=Ask(place="review_article 1"))
    assert other.round.number == 2
    states = [(await world.round(one.id)).state for one in (first, second.round)]
    assert states == [State.SUPERSEDED, State.WAITING]


@pytest.mark.parametrize("answered", [False, True])
async def test_a_flow_that_waits_no_longer_closes_what_nobody_answered(
    world: World, answered: bool
) -> None:
    expires = world.clock() + timedelta(hours=1)
    asked = (
        await world.ask("Which topic?", outcomes=(), ask=Ask(place="talk 1", expires_at=expires))
    ).round
    await world.settle_slack()
    await after(world, timedelta(minutes=59))
    assert (await world.round(asked.id)).state is State.WAITING
    world.clock.advance(timedelta(minutes=1))
    due = await world.lease(TIMER)
    if answered:
        await world.decide(asked.id, Revise("Tea."))
    await world.deliver(*due)
    after_it = await world.round(asked.id)
    assert (after_it.state, after_it.reason) == (
        (State.DECIDED, None) if answered else (State.CLOSED, TimeOver())
    )
    assert (await callback_of(world, after_it) is None) is not answered


async def test_a_question_is_not_closed_before_the_flow_s_time(world: World) -> None:
    expires = world.clock() + timedelta(hours=1)
    asked = (await world.ask(outcomes=(), ask=Ask(place="talk 1", expires_at=expires))).round
    await world.settle_slack()
    async with world.engines.write.begin() as connection:  # as operators do by hand
        await connection.execute(sa.update(outbox).values(due_at=world.clock()))
    await world.turn(TIMER)
    assert (await world.round(asked.id)).state is State.WAITING
    assert await world.due_in() == timedelta(hours=1)


async def test_an_escalation_calls_while_it_waits(world: World) -> None:
    asked = (await world.ask()).round
    await world.settle_slack()
    await world.ask(escalation=True)
    await world.settle_slack()
    assert len(world.slack.keyed(f"escalated request {asked.id}")) == 1
    world.clock.advance(CALLED_EVERY)
    await world.ask(escalation=True)
    assert EffectKind.CALL_ASSIGNED in await world.effects()
    await world.decide(asked.id, APPROVED)
    await world.settle_slack()
    assert len(world.slack.keyed(f"escalated request {asked.id}")) == 1


async def test_an_escalation_before_the_card_calls_once_it_is_there(world: World) -> None:
    """The card begins the time of the rule's reminders, in place of earlier timers alone."""
    rule = a_rule(remind=Reminders(after=Duration.parse("2h")))
    world.crews["research"] = replace(world.crews["research"], rules=(rule,))
    asked = (await world.ask()).round
    await world.ask(escalation=True)
    await world.settle_slack()
    assert len(world.slack.keyed(f"escalated request {asked.id}")) == 1


async def test_an_escalation_calls_once_an_hour_however_often_it_comes(world: World) -> None:
    await world.ask()
    for hours in (1, 2):
        for _ in range(25):
            await world.ask(escalation=True)
        called = [kind for kind in await world.effects() if kind is EffectKind.CALL_ASSIGNED]
        assert len(called) == hours
        world.clock.advance(CALLED_EVERY)


async def test_whom_an_escalation_names_may_decide_and_is_told(world: World) -> None:
    crew = replace(world.crews["research"], reviewers=(), operators=(OPERATOR,), notify=Notify.DM)
    world.crews["research"] = crew
    eve = Email("eve@example.com")
    ana = Email("ana@example.com")
    world.directory.people = {ana: frozenset({ANA.id}), eve: frozenset({EVE.id})}
    asked = (await world.ask(assigned=(ana,))).round
    await world.settle_slack()
    direct = f"direct {asked.id}"
    assert world.slack.keyed(f"{direct} {ANA.id}")
    assert not world.slack.keyed(f"{direct} {EVE.id}")
    await world.ask(escalation=True, assigned=(eve,))
    await world.settle_slack()
    stored = await world.round(asked.id)
    assert isinstance(stored.subject, Question)
    assert stored.subject.assigned == (eve, ana)
    assert world.slack.keyed(f"{direct} {EVE.id}")
    assert world.slack.card(asked.id).shows == stored
    await world.decide(asked.id, APPROVED, by=EVE)


async def test_whom_an_escalation_names_decides_where_the_request_assigned_nobody(
    world: World,
) -> None:
    world.crews["research"] = replace(world.crews["research"], reviewers=(), operators=(OPERATOR,))
    eve = Email("eve@example.com")
    world.directory.people = {eve: frozenset({EVE.id})}
    asked = (await world.ask(assigned=())).round
    with pytest.raises(NotAReviewer):
        await world.decide(asked.id, APPROVED, by=EVE)
    await world.ask(assigned=(eve,), escalation=True)
    await world.ask(assigned=(Email("lead@example.com"),), escalation=True)
    for by in (EVE, BEN):  # he is the operator, and may as before
        await world.reviews.ensure(by.id, Role.REVIEWER, await world.round(asked.id))
    await world.decide(asked.id, APPROVED, by=EVE)


@pytest.mark.parametrize("words", ["Shorter, please.", "A wire transfer."])
async def test_words_take_nobody_out_whom_an_escalation_left_in(world: World, words: str) -> None:
    wires = Rule(name="wires", when=Conditions(contains=("wire transfer",)), approvals=2)
    crew = replace(world.crews["research"], reviewers=(), operators=(OPERATOR,), rules=(wires,))
    world.crews["research"] = crew
    eve = Email("eve@example.com")
    world.directory.people = {eve: frozenset({EVE.id})}
    asked = (await world.ask(assigned=())).round
    await world.ask(assigned=(eve,), escalation=True)
    said = await world.decide(asked.id, Revise(words), by=BEN)
    assert (said.rule.reviewers, said.rule.approvals) == ((eve, OPERATOR), 1 + ("wire" in words))


async def test_an_escalation_opens_nothing_that_the_settings_keep_for_others(world: World) -> None:
    eve = Email("eve@example.com")
    world.directory.people = {eve: frozenset({EVE.id})}
    by_settings = (await world.ask(assigned=())).round
    await world.ask(assigned=(eve,), escalation=True)
    with pytest.raises(NotAReviewer):
        await world.decide(by_settings.id, APPROVED, by=EVE)

    lead = Email("lead@example.com")
    rule = Rule(name="lead", reviewers=(lead,))
    crew = replace(world.crews["research"], reviewers=(), operators=(OPERATOR,), rules=(rule,))
    world.crews["research"] = crew
    by_rule = (await world.ask(request_id="2", assigned=(lead,))).round
    await world.ask(request_id="2", assigned=(eve,), escalation=True)
    with pytest.raises(NotAReviewer):
        await world.decide(by_rule.id, APPROVED, by=EVE)

    del world.crews["research"]
    await world.ask(request_id="2", assigned=(eve,), escalation=True)
    assert (await world.round(by_rule.id)).rule == rule


async def test_a_label_is_sent_exactly_and_its_address_forgotten(world: World) -> None:
    decided = await answered(world)
    taken = await sent(world, decided)
    assert (taken.state, taken.reason) == (State.RESUMED, TakenAs("approved", "accepted"))
    assert taken.decision is not None
    assert taken.decision.verdict == APPROVED
    assert [feedback for _, feedback in world.flows.asked] == ["approved"]
    assert not world.crew.asked
    assert await callback_of(world, decided) is None


async def test_words_are_an_answer_and_those_that_are_a_label_are_it(world: World) -> None:
    words = await answered(world, Revise("Shorter, please."))
    assert words.decision is not None
    assert words.decision.verdict == Answer("Shorter, please.")
    assert (await world.round(words.id)).decision == words.decision
    asked = await world.ask(request_id="2")
    label = await world.decide(asked.round.id, Revise("rejected"))
    assert label.decision is not None
    assert label.decision.verdict == Answer("rejected", is_label=True)


async def test_words_are_counted_as_an_approval_of_these_words(world: World) -> None:
    rule = Rule(name="two eyes", approvals=2)
    world.crews["research"] = replace(world.crews["research"], rules=(rule,))
    words = Revise("Fine, publish it.")
    once = await answered(world, words)
    assert [(vote.by, vote.answer) for vote in once.votes] == [(ANA, "Fine, publish it.")]
    for other in (Revise("Fine."), Revise("ok"), APPROVED):
        with pytest.raises(VotedOtherwise):
            await world.decide(once.id, other, by=BEN)
    decided = await world.decide(once.id, words, by=BEN)
    assert decided.decision is not None
    assert decided.decision.verdict == Answer("Fine, publish it.")
    assert (await world.round(once.id)).decision == decided.decision


async def test_what_is_no_answer_is_refused(world: World) -> None:
    asked = (await world.ask()).round
    with pytest.raises(VerdictMisplaced):
        await world.decide(asked.id, Approve())
    assert await answer_of(asked.id, 2, context=world.reviews) == Answer(
        "needs_revision", is_label=True
    )
    for number in (-1, 3):
        with pytest.raises(VerdictMisplaced):
            await answer_of(asked.id, number, context=world.reviews)
    task = (await world.notify()).round
    with pytest.raises(VerdictMisplaced):
        await answer_of(task.id, 0, context=world.reviews)


async def test_a_label_asks_before_it_overlooks_notes(world: World) -> None:
    asked = (await world.ask()).round
    async with world.uow.begin() as tx:
        await tx.notes.keep(a_note(round_id=asked.id))
    with pytest.raises(ConfirmationNeeded) as needed:
        await world.decide(asked.id, APPROVED)
    decided = await world.decide(asked.id, APPROVED, seen=needed.value.caveats.seen)
    assert decided.decision is not None
    assert decided.decision.unsent_notes == 1
    for number, label in enumerate(("rejected", "approved"), 2):
        other = (await world.ask(request_id=str(number))).round
        async with world.uow.begin() as tx:
            await tx.notes.keep(a_note(round_id=other.id, ts=f"{number}.0"))
        with pytest.raises(ConfirmationNeeded):
            await world.decide(other.id, Answer(label, is_label=True))
        # Who writes it into the form has the notes before them.
        await world.decide(other.id, Revise(label), seen=Seen())


# --- who may --------------------------------------------------------------------------------------


async def test_whom_it_assigns_decides_where_nobody_is_named(world: World) -> None:
    world.crews["research"] = replace(world.crews["research"], reviewers=(), operators=(OPERATOR,))
    asked = (await world.ask(assigned=(Email("eve@example.com"),))).round
    assert asked.rule == Rule(name="", reviewers=(Email("eve@example.com"),))
    for person in (BEN, EVE):
        with pytest.raises(NotAReviewer):
            await world.decide(asked.id, APPROVED, by=person)
    world.directory.resolves = {Email("eve@example.com"): frozenset({EVE.id})}
    await world.decide(asked.id, APPROVED, by=EVE)
    nobody = (await world.ask(request_id="2", assigned=())).round
    with pytest.raises(NotAReviewer):
        await world.decide(nobody.id, APPROVED, by=EVE)
    await world.decide(nobody.id, APPROVED, by=BEN)


async def test_under_a_rule_for_the_crews_own_channel_it_stays_in_the_thread(world: World) -> None:
    rule = Rule(name="here", channel=world.crews["research"].channel)
    world.crews["research"] = replace(world.crews["research"], rules=(rule,))
    for received in (await world.ask(), await world.notify(execution_id="f-1")):
        assert received.round.rule == Rule(name="here")


async def test_rules_count_for_requests_too(world: World) -> None:
    rule = Rule(name="theirs", when=Conditions(task="review_*"), reviewers=(User(EVE.id),))
    world.crews["research"] = replace(world.crews["research"], rules=(rule,))
    asked = (await world.ask()).round
    assert asked.rule == rule
    await world.decide(asked.id, APPROVED, by=EVE)


async def test_a_crew_that_the_settings_name_no_more_keeps_its_request(world: World) -> None:
    del world.crews["research"]
    assert (await world.ask()).round.rule == NO_RULE


# --- what comes of it -----------------------------------------------------------------------------


async def test_somebody_answered_elsewhere(world: World) -> None:
    decided = await answered(world)
    world.flows.taken["https://app.crewai.com/requests/8412?t=x"] = "rejected"
    closed = await sent(world, decided)
    assert (closed.state, closed.reason) == (
        State.CLOSED,
        AnsweredElsewhere("already responded"),
    )
    assert not closed.in_doubt
    assert await callback_of(world, decided) is None
    assert EffectKind.NOTIFY_STUCK in await world.effects()


@pytest.mark.parametrize(
    "refusal",
    [
        Refused("409", "already responded", RefusalKind.ANSWERED),
        Refused("401", "unauthorized", RefusalKind.SPENT),
    ],
)
async def test_a_lost_answer_is_never_claimed(world: World, refusal: Refused) -> None:
    world.flows.faults.append(Fault(LOST, after=True))
    world.flows.refusal = refusal
    decided = await answered(world)
    assert (await sent(world, decided)).state is State.DECIDED
    world.clock.advance(world.context.grace)
    closed = await sent(world, decided)
    assert (closed.state, closed.reason) == (State.CLOSED, PerhapsTaken(refusal.words))
    assert closed.in_doubt


async def test_another_branch_of_the_flow_is_no_evidence(world: World) -> None:
    """The answer was lost on its way, so the flow still asks while it goes on elsewhere."""
    world.flows.faults.append(Fault(LOST))
    decided = await answered(world)
    assert (await sent(world, decided)).state is State.DECIDED
    await world.record_update("f-1")
    world.clock.advance(world.context.grace)
    taken = await sent(world, decided)
    assert taken.reason == TakenAs("approved", "accepted")
    assert len(world.flows.asked) == 2


@both
@pytest.mark.parametrize("state", [State.WAITING, State.DECIDED, State.STUCK])
async def test_a_crew_of_the_flow_that_ends_closes_nothing(world: World, state: State) -> None:
    asked = (await world.ask()).round
    await world.settle_slack()
    if state is not State.WAITING:
        await world.decide(asked.id, APPROVED)
    if state is State.STUCK:
        world.flows.faults.append(Fault(Refused("422", "odd")))
        await world.turn(CREW)
    await world.record_update("f-1", ended="one crew of the flow")
    await world.settle_slack()
    assert (await world.round(asked.id)).state is state
    assert EffectKind.POST_RESULT not in world.messages_said()
    assert not (await world.execution("f-1")).is_over


async def test_the_last_crew_of_a_flow_that_waits_for_nobody_ends_it(world: World) -> None:
    await sent(world, await answered(world))
    await world.record_update("f-1", ended="the flow")
    assert (await world.execution("f-1")).state is ExecutionState.COMPLETED


async def test_nor_is_it_for_an_answer_that_is_stuck(world: World) -> None:
    world.flows.faults.extend([Fault(LOST), Fault(Refused("422", "odd"))])
    decided = await answered(world)
    await sent(world, decided)
    await world.record_update("f-1")
    world.clock.advance(world.context.grace)
    stuck = await sent(world, decided)
    assert (stuck.state, stuck.reason, stuck.in_doubt) == (
        State.STUCK,
        RefusedByCrew("422", "odd"),
        True,
    )
    world.crew.pause("A task's output.", execution="f-1")
    world.crew.faults.extend([Fault(LOST), Fault(Refused("422", "odd"))])
    task = (await world.notify(execution_id="f-1")).round
    await world.decide(task.id)
    await world.turn(CREW)
    world.clock.advance(world.context.grace)
    await world.turn(CREW)
    assert (await world.execution("f-1")).stuck_in_doubt
    await world.record(TaskUpdate(title="Draft", task="draft"), "f-1")
    assert (await world.round(task.id)).state is State.RESUMED
    assert (await world.round(decided.id)).state is State.STUCK
    await world.retry(decided.id)
    assert (await sent(world, decided)).reason == TakenAs("approved", "accepted")


async def test_a_crash_while_sending_is_a_try_in_doubt(world: World) -> None:
    world.flows.faults.append(Fault(Crashed, after=True))
    decided = await answered(world)
    with pytest.raises(Crashed):
        await world.turn(CREW)
    await world.lapse()
    closed = await sent(world, decided)
    assert closed.reason == PerhapsTaken("already responded")


async def test_an_answer_that_was_not_sent_is_sent_again(world: World) -> None:
    world.flows.faults.extend([Fault(AWAY), Fault(NotSent("503"))])
    decided = await answered(world)
    for state in (State.DECIDED, State.DECIDED, State.RESUMED):
        assert (await sent(world, decided)).state is state
        world.clock.advance(world.context.retry.longest)


async def test_another_refusal_waits_for_retry_or_is_dismissed(world: World) -> None:
    world.flows.faults.append(Fault(Refused("host_not_allowed", "no")))
    stuck = await sent(world, await answered(world))
    assert (stuck.state, stuck.reason) == (State.STUCK, NotCalled("host_not_allowed", "no"))
    assert await callback_of(world, stuck) is not None
    world.flows.faults.append(Fault(Refused("host_not_allowed", "no")))
    await world.retry(stuck.id)
    assert (await sent(world, stuck)).state is State.STUCK
    await dismiss(stuck.id, "Answered there.", by=ANA, context=world.reviews)
    assert isinstance((await world.round(stuck.id)).reason, Dismissed)
    assert await callback_of(world, stuck) is None


async def test_an_address_that_no_key_opens_waits_for_its_key(world: World) -> None:
    Secret.cipher = Cipher([a_secret_key(1)])
    decided = await answered(world)
    Secret.cipher = Cipher()
    stuck = await sent(world, decided)
    lost = NotCalled("unreadable", "its address cannot be read with any key in SECRET_KEYS")
    assert (stuck.state, stuck.reason) == (State.STUCK, lost)
    Secret.cipher = Cipher([a_secret_key(1)])
    await world.retry(stuck.id)
    assert (await sent(world, stuck)).state is State.RESUMED


async def test_an_address_that_was_taken_out_is_never_called(world: World) -> None:
    decided = await answered(world)
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.update(flow_requests).values(callback_url=None, token=None))
    stuck = await sent(world, decided)
    assert isinstance(stuck.reason, NotCalled)
    assert stuck.reason.code == "unreadable"
    assert world.flows.asked == []


async def test_a_newer_request_while_an_answer_is_on_its_way(world: World) -> None:
    async def go_on(_feedback: str) -> None:
        await world.ask(request_id="8413")

    world.flows.on_answer = go_on
    taken = await sent(world, await answered(world))
    assert (taken.state, taken.reason) == (State.RESUMED, TakenAs("approved", "accepted"))


async def test_an_earlier_address_of_an_answer_takes_nothing_out(world: World) -> None:
    await world.ask()
    url = "https://app.crewai.com/requests/8412?t=x"
    received = await world.ask(f"Call {url} now.", request_id="2", method="publish")
    output = (await world.uow.read.posting(received.round.id)).view.output
    assert (output.text, output.erased) == (f"Call {url} now.", 0)
    assert url in await world.uow.read.executions.addresses_of("research", "f-1")


@both
async def test_of_requests_that_come_at_once_one_opens_a_round(world: World) -> None:
    received = await asyncio.gather(*(world.ask() for _ in range(5)))
    assert sum(one.accepted for one in received) == 1
    assert len({one.round.id for one in received}) == 1
    assert await world.effects() == [EffectKind.POST]

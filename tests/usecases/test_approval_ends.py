"""The end of an approval of a call: by its time, or because its host lost it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.acts import CallResult, CallState, Contradiction, ToolCall
from crewgate.domain.audit import Code
from crewgate.domain.caveats import Unseen
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import ConfirmationNeeded
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.notification import Output
from crewgate.domain.outcome import Outcome, RefusalKind, Refused
from crewgate.domain.reason import (
    Answered,
    AnsweredElsewhere,
    Dismissed,
    ExecutionGone,
    Expired,
    Inferred,
    RanEarlier,
    RefusedByCrew,
)
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Decide, Rule
from crewgate.domain.verdict import Revise
from crewgate.store.tables import outbox
from crewgate.usecases.decide import dismiss
from crewgate.usecases.removal import remove_texts
from tests.builders import BEN, a_rule
from tests.databases import both
from tests.usecases.faults import AWAY, LOST, Fault
from tests.usecases.test_calls import CALL, CLOSED, RAN, about, called, changed
from tests.usecases.test_edit import WHOLE
from tests.usecases.world import CREW, World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def says(code: str, words: str = "No.") -> Refused:
    """A crew's refusal of a resume, with its code."""
    return Refused("400", words, RefusalKind(code))


async def latest(world: World) -> Round:
    """The newest round of the call."""
    found = await world.uow.read.latest_round("research", "e-1", "send_email-1")
    assert found is not None
    return found


def was_tried(round_: Round) -> bool:
    """True if people are told that the call may have run, and its approval was tried before."""
    call = round_.subject
    assert isinstance(call, ToolCall)
    assert call.may_have_run is call.was_tried
    return call.was_tried


async def tried(world: World, round_: Round, *faults: Outcome) -> None:
    """Approve a call, and try to send that."""
    await world.decide(round_.id)
    for fault in faults:
        world.crew.faults.append(Fault(fault))  # type: ignore[arg-type]
    await world.turn(CREW)


@both
async def test_an_approval_that_ended_is_not_sent_and_people_are_asked_anew(world: World) -> None:
    round_ = await called(world)
    await tried(world, round_, AWAY)
    await world.settle_slack()

    world.clock.advance(HOUR)
    await world.turn(CREW)

    ended, anew = await world.round(round_.id), await latest(world)
    assert (ended.state, ended.reason) == (State.CLOSED, Expired())
    assert (anew.state, anew.number, anew.subject, anew.pause_id) == (
        State.WAITING,
        2,
        CALL,
        round_.pause_id,
    )
    assert world.crew.taken == []
    effects = await world.effects()
    assert effects == [EffectKind.REFRESH, EffectKind.NOTIFY_STUCK, EffectKind.POST]
    assert not (await world.notify(**about())).accepted
    await world.decide(anew.id)
    await world.turn(CREW)
    assert [one.decision.is_approve for one in world.crew.taken] == [True]


@both
@pytest.mark.parametrize("takes_key", [True, False])
async def test_a_try_in_doubt_is_asked_about_anew_as_one_that_may_have_run(
    world: World, takes_key: bool
) -> None:
    round_ = await called(world, takes_key=takes_key)
    await tried(world, round_, LOST)

    world.clock.advance(HOUR)
    await world.turn(CREW)

    anew = await latest(world)
    assert anew.subject == replace(CALL, may_have_run=True, was_tried=True)
    assert len(world.crew.asked) == 1
    await world.notify(**about(call_result=RAN))  # it had run
    ran = await latest(world)
    assert (ran.state, ran.reason, ran.call_result) == (State.CLOSED, RanEarlier(), RAN)
    assert EffectKind.CALL_ALARM not in await world.effects()
    await world.notify(**about(call_result=replace(RAN, words="Sent once more.")))
    assert (await latest(world)).contradiction is Contradiction.AGAIN
    assert EffectKind.CALL_ALARM in await world.effects()


@both
async def test_a_call_that_did_not_run_is_no_evidence_for_an_approval_that_was_given_up(
    world: World,
) -> None:
    round_ = await called(world)
    world.crew.pending.clear()
    await tried(world, round_, LOST, Refused("404", "no such execution"))
    world.clock.advance(world.context.grace)
    await world.turn(CREW)
    stuck = await world.round(round_.id)
    assert (stuck.state, stuck.in_doubt) == (State.STUCK, True)
    await dismiss(round_.id, "That host is gone.", by=BEN, context=world.reviews)

    await world.notify(**about(call_result=CLOSED))
    ended = await world.round(round_.id)
    dismissed = Dismissed(BEN, "That host is gone.")
    assert (ended.state, ended.reason, ended.call_result) == (State.CLOSED, dismissed, CLOSED)
    assert await world.entries(Code.INFERRED) == []


@both
async def test_a_call_that_ran_while_a_second_approval_was_sent_says_so(world: World) -> None:
    """It ran by an earlier approval, and the host has no use for the second."""
    round_ = await called(world, call=replace(CALL, may_have_run=True, was_tried=True))

    async def reports(*_: object) -> None:
        world.crew.on_resume = None
        await world.notify(**about(call_result=RAN))

    world.crew.on_resume = reports
    await world.decide(round_.id, seen=replace(WHOLE, unseen=frozenset({Unseen.MAY_HAVE_RUN})))
    world.crew.faults.append(Fault(Refused("400", "It does not wait for an answer")))
    await world.turn(CREW)
    ended = await world.round(round_.id)
    assert (ended.state, ended.reason, ended.call_result) == (State.CLOSED, RanEarlier(), RAN)


async def test_an_approval_holds_as_long_as_its_rule_says(world: World) -> None:
    rule = a_rule(when=Conditions(tool="send_*"), valid_for=Duration.parse("4h"))
    round_ = await called(world, rule)
    await tried(world, round_, AWAY)
    world.clock.advance(3 * HOUR)
    await world.turn(CREW)
    assert (await world.round(round_.id)).state is State.RESUMED


async def test_a_refusal_has_no_end(world: World) -> None:
    round_ = await called(world)
    await world.decide(round_.id, Revise("No."))
    world.crew.faults.append(Fault(AWAY))
    await world.turn(CREW)
    world.clock.advance(2 * HOUR)
    await world.turn(CREW)
    assert (await world.round(round_.id)).state is State.RESUMED


async def test_retry_after_the_end_asks_anew(world: World) -> None:
    round_ = await called(world)
    await tried(world, round_, Refused("401", "unauthorized"))
    assert (await world.round(round_.id)).state is State.STUCK
    world.clock.advance(HOUR)
    await world.retry(round_.id)
    await world.turn(CREW)
    anew = await latest(world)
    assert (anew.state, anew.number, anew.subject) == (State.WAITING, 2, CALL)
    assert len(world.crew.asked) == 1


async def test_a_rule_that_allowed_a_call_does_not_allow_it_anew(world: World) -> None:
    rule = Rule(name="all", when=Conditions(tool="send_*"), decide=Decide.ALLOW)
    await called(world, rule)
    world.crew.faults.append(Fault(AWAY))
    await world.turn(CREW)
    world.clock.advance(HOUR)
    await world.turn(CREW)
    assert (await latest(world)).state is State.WAITING


@both
@pytest.mark.parametrize("lost", [False, True])
async def test_a_host_whose_clock_is_ahead_says_that_the_time_is_over(
    world: World, lost: bool
) -> None:
    round_ = await called(world, takes_key=not lost)
    faults: Sequence[Outcome] = (LOST, says("expired")) if lost else (says("expired"),)
    await tried(world, round_, *faults)
    if lost:
        world.clock.advance(MINUTE)
        await world.turn(CREW)
    ended, anew = await world.round(round_.id), await latest(world)
    assert (ended.state, ended.reason) == (State.CLOSED, RefusedByCrew("400", "No."))
    assert (anew.state, anew.number, was_tried(anew)) == (State.WAITING, 2, lost)


@pytest.mark.parametrize(
    ("lost", "takes_key", "state"),
    [(True, False, State.RESUMED), (True, True, State.CLOSED), (False, False, State.CLOSED)],
)
async def test_a_crew_for_which_nothing_waits_was_answered_by_us_or_elsewhere(
    world: World, lost: bool, takes_key: bool, state: State
) -> None:
    round_ = await called(world, takes_key=takes_key)
    await tried(world, round_, *([LOST] if lost else []), says("answered"))
    if lost:
        world.clock.advance(MINUTE)
        await world.turn(CREW)
    done = await world.round(round_.id)
    reason = Inferred() if state is State.RESUMED else AnsweredElsewhere("No.")
    assert (done.state, done.reason) == (state, reason)


async def test_a_400_without_a_code_says_nothing_about_arguments(world: World) -> None:
    round_ = await called(world, takes_key=False)
    edited = await changed(world, round_, to="ann")
    world.crew.faults.append(Fault(Refused("400", "Bad request")))
    await world.turn(CREW)
    stuck = await world.round(edited.id)
    assert (stuck.state, stuck.reason) == (State.STUCK, RefusedByCrew("400", "Bad request"))


@both
async def test_nobody_is_asked_again_about_a_changed_call_that_may_have_run(world: World) -> None:
    round_ = await called(world, takes_key=False)
    edited = await changed(world, round_, to="ann")
    world.crew.faults.append(Fault(LOST, after=True))
    await world.turn(CREW)
    world.clock.advance(timedelta(seconds=30))
    await world.turn(CREW)
    stuck = await latest(world)
    assert (stuck.id, stuck.state, stuck.in_doubt) == (edited.id, State.STUCK, True)


@pytest.mark.parametrize("is_changed", [True, False])
async def test_a_call_that_is_said_to_have_run_took_its_approval(
    world: World, is_changed: bool
) -> None:
    round_ = await called(world, takes_key=False)
    if is_changed:
        await changed(world, round_, to="ann")
    else:
        await world.decide(round_.id)
    world.crew.faults.append(Fault(LOST, after=True))
    await world.turn(CREW)
    await world.notify(**about(takes_key=False, call_result=RAN))
    world.clock.advance(timedelta(seconds=30))
    await world.turn(CREW)
    done = await latest(world)
    assert (done.state, done.reason, done.call_result) == (State.RESUMED, Inferred(), RAN)
    assert len(world.crew.asked) == 1


async def test_a_dismissed_call_that_is_said_to_have_run_took_its_approval(world: World) -> None:
    round_ = await called(world, takes_key=False)
    await tried(world, round_, LOST, Refused("404", "gone"))
    world.clock.advance(MINUTE)
    await world.turn(CREW)
    dismissed = await dismiss(round_.id, "Lost.", by=BEN, context=world.reviews)
    assert isinstance(dismissed.reason, Dismissed)
    await world.notify(**about(call_result=RAN))
    assert (await latest(world)).state is State.RESUMED


@both
@pytest.mark.parametrize("result", [None, RAN])
async def test_a_restored_host_that_announces_a_decided_call_again_asks_people_anew(
    world: World, result: object
) -> None:
    allow = Rule(name="all", when=Conditions(tool="send_*"), decide=Decide.ALLOW)
    round_ = await called(world)
    await world.decide(round_.id)
    await world.turn(CREW)
    assert isinstance((await world.round(round_.id)).reason, Answered)
    if result is not None:
        await world.notify(**about(call_result=result))
    world.crews["research"] = replace(world.crews["research"], rules=(allow,))

    world.crew.pause(task="send_email-1")
    again = await world.notify(**about())
    repeated = await world.notify(**about())

    assert (again.accepted, repeated.accepted) == (True, False)
    anew = again.round
    assert (anew.state, anew.number, anew.unchanged) == (State.WAITING, 2, True)
    assert anew.subject == replace(CALL, may_have_run=True, was_tried=result is None)
    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(anew.id)
    await world.decide(anew.id, seen=asked.value.caveats.seen)
    await world.turn(CREW)
    assert (await latest(world)).state is State.RESUMED


@both
@pytest.mark.parametrize("result", [CLOSED, RAN])
async def test_a_restored_host_that_announces_a_closed_call_again_asks_people_anew(
    world: World, result: CallResult
) -> None:
    await called(world)
    await world.notify(**about(call_result=result))
    assert (await latest(world)).state is State.CLOSED
    again = await world.notify(**about())
    assert (again.accepted, again.round.state) == (True, State.WAITING)
    assert again.round.subject == replace(CALL, may_have_run=result is RAN)
    assert not (await world.notify(**about())).accepted


@pytest.mark.parametrize("result", [None, RAN])
async def test_a_refusal_since_leaves_the_doubt_of_an_earlier_approval(
    world: World, result: CallResult | None
) -> None:
    round_ = await called(world)
    await world.decide(round_.id)
    await world.turn(CREW)
    if result is not None:
        await world.notify(**about(call_result=result))
    for number in (2, 3):
        world.crew.pause(task="send_email-1")
        anew = (await world.notify(**about())).round
        assert anew.number == number
        assert anew.subject == replace(CALL, may_have_run=True, was_tried=result is None)
        await world.decide(anew.id, Revise("No."))
        await world.turn(CREW)


async def test_a_try_in_doubt_is_known_when_a_host_that_seemed_gone_asks_again(
    world: World,
) -> None:
    round_ = await called(world, takes_key=False)
    await tried(world, round_, LOST, Refused("404", "gone"))
    world.clock.advance(MINUTE)
    await world.turn(CREW)
    async with world.uow.begin() as tx:
        current = await tx.round(round_.id)
        await tx.save(current.close(ExecutionGone(), at=world.clock()).round)
    assert (await world.round(round_.id)).can_reopen

    anew = (await world.notify(**about())).round

    assert (anew.state, anew.number) == (State.WAITING, 2)
    assert anew.subject == replace(CALL, may_have_run=True, was_tried=True)


async def test_a_refused_call_that_is_announced_again_has_not_run(world: World) -> None:
    round_ = await called(world)
    await world.decide(round_.id, Revise("No."))
    await world.turn(CREW)
    world.crew.pause(task="send_email-1")
    anew = (await world.notify(**about())).round
    assert (anew.state, anew.number, anew.subject) == (State.WAITING, 2, CALL)


@both
async def test_a_refused_call_that_ran_after_its_texts_were_removed_is_an_alarm(
    world: World,
) -> None:
    round_ = await called(world)
    await world.decide(round_.id, Revise("No."))
    await world.turn(CREW)
    await world.record(CrewUpdate(result=Output("Done.")), "e-1")
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    world.clock.advance(timedelta(days=91))
    before = world.clock() - timedelta(days=90)
    removal = remove_texts("research", before=before, begin=world.uow.begin, clock=world.clock)
    assert [count async for count in removal]
    assert (await world.round(round_.id)).removed_at is not None

    await world.notify(**about(call_result=RAN))

    assert (await world.effects())[-2:] == [EffectKind.REFRESH, EffectKind.CALL_ALARM]
    ran = await world.round(round_.id)
    assert (ran.contradiction, ran.call_result) == (
        Contradiction.REFUSED,
        CallResult(CallState.RAN, contradicts=Contradiction.REFUSED),
    )
    await world.settle_slack()
    assert EffectKind.CALL_ALARM not in await world.effects()


async def test_a_late_end_of_a_call_is_no_announcement(world: World) -> None:
    round_ = await called(world)
    await world.decide(round_.id)
    await world.turn(CREW)
    told = await world.notify(**about(call_result=CLOSED))
    assert (told.accepted, told.round.id) == (False, round_.id)
    assert told.round.call_result is not None
    assert told.round.call_result.state is CallState.CLOSED


@both
async def test_a_clock_that_is_set_back_at_a_start_ends_no_approval_sooner(world: World) -> None:
    await world.outbox.note_alive(now=world.clock(), compare=True)
    round_ = await called(world)
    await tried(world, round_, AWAY)
    ends = (await world.round(round_.id)).valid_until
    world.clock.advance(-HOUR)
    await world.outbox.note_alive(now=world.clock(), compare=True)
    world.clock.advance(HOUR + MINUTE)  # an hour and a minute after the decision
    await world.turn(CREW)
    sent = await world.round(round_.id)
    assert (sent.state, sent.valid_until) == (State.RESUMED, ends)

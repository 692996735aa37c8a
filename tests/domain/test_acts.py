"""The arguments of a call, as a form shows and changes them, and the end of a call."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.acts import (
    FILLED_IN,
    Argument,
    CallResult,
    CallState,
    Change,
    Contradiction,
    Kind,
    ToolCall,
    arguments_of,
    changes_of,
    first_arguments,
    shown_value,
    with_changes,
)
from crewgate.domain.audit import texts_of, without_texts
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import ArgumentsMisfit
from crewgate.domain.notification import Ask, Question
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.reason import (
    Answered,
    AnsweredElsewhere,
    Dismissed,
    ExecutionEnded,
    ExecutionGone,
    Expired,
    Inferred,
    RanEarlier,
    Reason,
    Withdrawn,
)
from crewgate.domain.receipt import ask_again, receive
from crewgate.domain.review import Round, State, Transition
from crewgate.domain.rules.choose import for_call
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import Rule, TimeOut, TimeoutAction
from crewgate.domain.subjects import WORK, call_of
from crewgate.domain.verdict import Approve, Decision, Revise
from tests.builders import (
    ANA,
    BEN,
    LATER,
    NOW,
    Numbered,
    a_decision,
    a_notification,
    a_review,
    a_round,
)

ARGUMENTS = {
    "to": "bob",
    "amount": 1.10,
    "count": 3,
    "urgent": True,
    "via": "post",
    "note": None,
    "limit": 10,
}
TEXT = json.dumps(ARGUMENTS)
CALL = ToolCall(
    "purchase",
    arguments=(
        Argument("to", Kind.TEXT, required=True),
        Argument("amount", Kind.NUMBER, required=True),
        Argument("count", Kind.INTEGER),
        Argument("urgent", Kind.FLAG),
        Argument("via", Kind.CHOICE, ("post", "mail")),
        Argument("note", Kind.TEXT),
        Argument("limit", Kind.NUMBER),
    ),
    filled_in=("limit",),
)
RAN = CallResult(CallState.RAN, "Sent.")
FAILED = CallResult(CallState.FAILED, "No such person.")
CLOSED = CallResult(CallState.CLOSED, "The task is done.")
ONCE = CallResult(CallState.RAN, "1.")
REFRESH, NOTIFY_STUCK = EffectKind.REFRESH, EffectKind.NOTIFY_STUCK


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ({"to": "ann"}, {"to": "ann"}),
        ({"amount": "20"}, {"amount": 20.0}),
        ({"amount": "20.0"}, {"amount": 20.0}),
        ({"limit": "20"}, {"limit": 20}),
        ({"limit": "20.5"}, {"limit": 20.5}),
        ({"amount": "2.5"}, {"amount": 2.5}),
        ({"amount": "1e2"}, {"amount": 100.0}),
        ({"count": "-4", "urgent": "false"}, {"count": -4, "urgent": False}),
        ({"via": "mail", "note": "Soon."}, {"via": "mail", "note": "Soon."}),
        ({"to": ""}, {"to": ""}),
    ],
)
def test_a_form_changes_what_was_written(
    written: dict[str, str], changed: dict[str, object]
) -> None:
    assert shown_value(arguments_of(with_changes(CALL, TEXT, written))) == shown_value(
        ARGUMENTS | changed
    )


def test_an_emptied_argument_that_is_not_required_is_left_out() -> None:
    left = arguments_of(with_changes(CALL, TEXT, {"count": ""}))
    assert left == {name: value for name, value in ARGUMENTS.items() if name != "count"}


def test_an_emptied_argument_that_the_tool_fills_in_again_is_refused() -> None:
    with pytest.raises(ArgumentsMisfit) as error:
        with_changes(CALL, TEXT, {"limit": ""})
    assert error.value.kinds == {"limit": FILLED_IN}


def test_arguments_that_say_the_same_stay_as_they_were_written() -> None:
    """A form returns the arguments that it showed, and no others."""
    same = {name: shown_value(value) for name, value in ARGUMENTS.items()}
    assert with_changes(CALL, TEXT, {**same, "other": "x"}) == TEXT


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ({"amount": "much"}, Kind.NUMBER),
        ({"amount": ""}, Kind.NUMBER),
        ({"amount": "1e999"}, Kind.NUMBER),
        ({"count": "2.5"}, Kind.INTEGER),
        ({"urgent": "perhaps"}, Kind.FLAG),
        ({"via": "pigeon"}, Kind.CHOICE),
    ],
)
def test_what_the_tool_does_not_take_is_named(written: dict[str, str], kind: Kind) -> None:
    with pytest.raises(ArgumentsMisfit) as error:
        with_changes(CALL, TEXT, written)
    assert error.value.kinds == {next(iter(written)): kind}


@pytest.mark.parametrize("text", ["Hi.", "[1]", "[" * 100_000])
def test_a_text_that_is_no_object_has_no_arguments(text: str) -> None:
    assert arguments_of(text) is None
    assert changes_of(text, text) == ()


def test_changes_are_told_by_name() -> None:
    now = json.dumps({"to": "ann", "amount": 1.10, "copy": ["x"]})
    before = json.dumps({"to": "bob", "amount": 1.1, "note": None})
    assert changes_of(before, now) == (
        Change("to", "bob", "ann"),
        Change("note", "", None),
        Change("copy", None, '["x"]'),
    )


def test_a_text_and_a_value_that_reads_as_it_are_different() -> None:
    before, now = json.dumps({"urgent": "true", "note": ""}), json.dumps({"urgent": True})
    assert changes_of(before, now) == (
        Change("urgent", '"true"', "true"),
        Change("note", "", None),
    )


def a_call(state: State = State.WAITING, **changes: object) -> Round:
    return a_round(state, subject=CALL, **changes)


APPROVED, REFUSED = a_decision(Approve()), a_decision(Revise("No."))
DOUBT = {"decision": APPROVED, "in_doubt_since": NOW}


def asked_anew(**changes: Any) -> Round:
    """A round about a call that may have run by the approval of the round before."""
    call = replace(CALL, may_have_run=True, was_tried=True)
    state = changes.pop("state", State.WAITING)
    return a_round(state, subject=call, origin_id="r-0", number=2, **changes)


GIVEN_UP = Dismissed(BEN, "That host is gone.")


@pytest.mark.parametrize(
    ("before", "result", "state", "reason", "effects"),
    [
        (a_call(), CLOSED, State.CLOSED, Withdrawn("The task is done."), [REFRESH]),
        (
            a_call(State.DECIDED, decision=APPROVED),
            CLOSED,
            State.CLOSED,
            Withdrawn("The task is done."),
            [REFRESH, NOTIFY_STUCK],
        ),
        (a_call(State.DECIDED, **DOUBT), RAN, State.RESUMED, Inferred(), [REFRESH]),
        (a_call(State.STUCK, **DOUBT), RAN, State.RESUMED, Inferred(), [REFRESH]),
        (a_call(State.CLOSED, **DOUBT), RAN, State.RESUMED, Inferred(), [REFRESH]),
        (
            a_call(State.CLOSED, reason=GIVEN_UP, **DOUBT),
            CLOSED,
            State.CLOSED,
            GIVEN_UP,
            [REFRESH],
        ),
        (asked_anew(), RAN, State.CLOSED, RanEarlier(), [REFRESH]),
        (asked_anew(edited_by=ANA), RAN, State.CLOSED, RanEarlier(), [REFRESH]),
        (asked_anew(), CLOSED, State.CLOSED, Withdrawn("The task is done."), [REFRESH]),
        (
            asked_anew(state=State.DECIDED, decision=APPROVED),
            RAN,
            State.CLOSED,
            RanEarlier(),
            [REFRESH, NOTIFY_STUCK],
        ),
        (
            asked_anew(state=State.STUCK, decision=REFUSED),
            RAN,
            State.CLOSED,
            RanEarlier(),
            [REFRESH, NOTIFY_STUCK],
        ),
        (a_call(State.RESUMED, decision=APPROVED), RAN, State.RESUMED, None, [REFRESH]),
        (a_call(State.RESUMED, decision=APPROVED), CLOSED, State.RESUMED, None, [REFRESH]),
        (
            a_call(State.CLOSED, reason=ExecutionGone()),
            CLOSED,
            State.CLOSED,
            Withdrawn("The task is done."),
            [REFRESH],
        ),
    ],
)
def test_the_end_of_a_call_ends_its_round(
    before: Round,
    result: CallResult,
    state: State,
    reason: Reason | None,
    effects: list[EffectKind],
) -> None:
    ended = before.end_call(result, LATER)
    after = ended.round
    assert (after.state, after.reason, after.call_result) == (state, reason, result)
    assert [one.kind for one in ended.effects] == effects
    again = after.end_call(result, LATER)
    assert (again.round, again.effects) == (after, ())


@pytest.mark.parametrize("result", [RAN, FAILED])
@pytest.mark.parametrize(
    ("before", "state", "why"),
    [
        (a_call(), State.CLOSED, Contradiction.UNDECIDED),
        (a_call(State.SUPERSEDED), State.SUPERSEDED, Contradiction.UNDECIDED),
        (a_call(State.STUCK, decision=REFUSED), State.STUCK, Contradiction.REFUSED),
        (a_call(State.RESUMED, decision=REFUSED), State.RESUMED, Contradiction.REFUSED),
        (a_call(State.DECIDED, decision=APPROVED), State.DECIDED, Contradiction.UNSENT),
        (a_call(State.STUCK, decision=APPROVED), State.STUCK, Contradiction.UNSENT),
        (a_call(State.CLOSED, call_result=CLOSED), State.CLOSED, Contradiction.UNDECIDED),
        (
            a_call(State.RESUMED, decision=APPROVED, call_result=ONCE),
            State.RESUMED,
            Contradiction.AGAIN,
        ),
        (
            asked_anew(state=State.CLOSED, reason=RanEarlier(), call_result=ONCE),
            State.CLOSED,
            Contradiction.AGAIN,
        ),
        (
            asked_anew(state=State.RESUMED, decision=REFUSED, call_result=ONCE),
            State.RESUMED,
            Contradiction.AGAIN,
        ),
    ],
)
def test_a_call_that_ran_without_an_approval_of_its_own_is_an_alarm(
    before: Round, state: State, why: Contradiction, result: CallResult
) -> None:
    ended = before.end_call(result, LATER)
    after = ended.round
    assert (after.state, after.reason, after.contradiction) == (state, before.reason, why)
    assert after.call_result == replace(result, contradicts=why)
    assert [one.kind for one in ended.effects] == [REFRESH, EffectKind.CALL_ALARM]
    again = after.end_call(result, LATER)
    assert (again.round, again.effects) == (after, ())


@pytest.mark.parametrize("decision", [APPROVED, REFUSED])
@pytest.mark.parametrize(
    "goes_on",
    [
        lambda sent: sent.took_effect(LATER),
        lambda sent: sent.supersede_decided(LATER),
        lambda sent: replace(sent, state=State.STUCK).close(ExecutionEnded(), LATER),
    ],
)
def test_a_crew_goes_on_after_an_alarm_and_took_no_decision_by_that(
    goes_on: Callable[[Round], Transition], decision: Decision
) -> None:
    refused = a_call(State.STUCK, decision=decision).end_call(RAN, LATER).round
    sent = refused.retry().round.begin_sending(LATER, activity_count=0)
    after = goes_on(sent).round
    assert (after.state, after.reason) == (State.CLOSED, None)
    assert after.contradiction is not None
    answer = Delivered("thank you")
    late = after.settle(answer, in_doubt=True, retries_exhausted=False, at=LATER).round
    assert (late.state, late.reason) == (State.RESUMED, Answered("thank you", answer.status))
    assert late.contradiction is not None


@pytest.mark.parametrize("decision", [APPROVED, REFUSED])
@pytest.mark.parametrize("state", [State.DECIDED, State.STUCK])
def test_a_call_that_is_asked_about_anew_proves_no_decision(
    state: State, decision: Decision
) -> None:
    sent = a_call(state, decision=decision, in_doubt_since=NOW)
    ended = sent.supersede_decided(LATER)
    assert (ended.round.state, ended.round.reason) == (State.CLOSED, Expired())
    assert [one.kind for one in ended.effects] == [REFRESH, EffectKind.NOTIFY_STUCK]
    answer = Delivered("thank you")
    late = ended.round.settle(answer, in_doubt=True, retries_exhausted=False, at=LATER).round
    assert (late.state, late.reason) == (State.RESUMED, Answered("thank you", answer.status))


@pytest.mark.parametrize("outcome", [Refused("404", "None."), NotSent("away"), Unknown("lost")])
def test_what_is_no_late_yes_leaves_a_decision_ended_by_time(outcome: Outcome) -> None:
    sent = a_call(State.DECIDED, decision=APPROVED, in_doubt_since=NOW)
    ended = sent.expire(LATER).round
    late = ended.settle(outcome, in_doubt=True, retries_exhausted=False, at=LATER)
    assert (late.round, late.effects) == (ended, ())


def test_a_call_runs_once_by_each_of_two_approvals() -> None:
    twice = asked_anew(state=State.RESUMED, decision=APPROVED, call_result=ONCE)
    assert twice.end_call(RAN, LATER).round.contradiction is None


@pytest.mark.parametrize(
    "before",
    [
        a_call(State.RESUMED, decision=APPROVED, call_result=RAN, removed_at=NOW),
        a_call(State.RESUMED, decision=APPROVED, removed_at=NOW),
        a_call(State.RESUMED, decision=APPROVED, call_result=RAN),
    ],
)
def test_a_late_end_of_a_call_that_ran_is_no_news(before: Round) -> None:
    result = CallResult(CallState.CLOSED, "Given up.")
    if before.removed_at:
        before = without_texts(before, NOW)
        result = CallResult(CallState.RAN, "Its words were removed.")
    assert before.end_call(result, LATER).round == before


@pytest.mark.parametrize("decision", [REFUSED, None])
def test_a_call_without_texts_that_ran_unapproved_is_an_alarm(decision: Decision | None) -> None:
    state = State.CLOSED if decision is None else State.RESUMED
    removed = without_texts(a_call(state, decision=decision), NOW)
    ended = removed.end_call(RAN, LATER)
    why = Contradiction.UNDECIDED if decision is None else Contradiction.REFUSED
    assert ended.round.call_result == CallResult(CallState.RAN, contradicts=why)
    assert [one.kind for one in ended.effects] == [REFRESH, EffectKind.CALL_ALARM]
    assert ended.round.end_call(RAN, LATER).effects == ()


def test_a_question_that_is_answered_elsewhere_is_no_alarm() -> None:
    ended = a_round(subject=Question(request_id="", ask=Ask(place="x"))).end_call(RAN, LATER)
    assert (ended.round.reason, ended.round.contradiction) == (AnsweredElsewhere(), None)


def test_an_end_is_about_the_call_whatever_else_it_says() -> None:
    paused = a_notification("{}", call=CALL, call_result=CLOSED)
    latest = a_call()
    receipt = receive(latest, paused, review=a_review(), at=LATER, new_id=Numbered())
    assert (receipt.opened, receipt.current) == (False, latest.end_call(CLOSED, LATER).round)

    unknown = receive(None, paused, review=a_review(), at=LATER, new_id=Numbered())
    assert (unknown.opened, unknown.current.state, unknown.effects) == (True, State.CLOSED, ())

    ran = receive(
        None, replace(paused, call_result=RAN), review=a_review(), at=LATER, new_id=Numbered()
    )
    assert ran.current.contradiction is Contradiction.UNDECIDED
    assert [one.kind for one in ran.effects] == [EffectKind.CALL_ALARM]


@pytest.mark.parametrize("state", State)
def test_a_call_without_an_id_of_the_pause_comes_once(state: State) -> None:
    """Its task is this one call: after any decision it is a duplicate, unless it was closed."""
    latest = a_call(state, decision=None if state is State.WAITING else APPROVED)
    same = a_notification("A draft.", call=CALL)
    receipt = receive(latest, same, review=a_review(), at=LATER, new_id=Numbered())
    assert receipt.opened is (state is State.CLOSED)
    other = a_notification("Other.", call=CALL)
    assert receive(latest, other, review=a_review(), at=LATER, new_id=Numbered()).opened


def test_arguments_without_their_secrets_cannot_be_sent_back() -> None:
    for erased, changeable in ((0, True), (1, False)):
        paused = a_notification("{}", call=replace(CALL, erased=erased), takes_edits=True)
        receipt = receive(None, paused, review=a_review(), at=LATER, new_id=Numbered())
        assert receipt.current.takes_edits == changeable


def test_a_tools_words_are_removed_as_other_texts_are() -> None:
    before = a_call(State.RESUMED, decision=APPROVED, call_result=RAN)
    removed = without_texts(before, LATER)
    assert (removed.subject, removed.call_result) == (CALL, CallResult(CallState.RAN))
    again = replace(before, subject=replace(CALL, earlier=FAILED))
    earlier = CallResult(CallState.FAILED)
    assert without_texts(again, LATER).subject == replace(CALL, earlier=earlier)


def test_the_words_of_a_call_are_among_the_texts_of_its_round() -> None:
    ended = a_call(State.RESUMED, decision=APPROVED, call_result=RAN)
    assert RAN.words in list(texts_of(ended))


WEEK = WorkingHours.parse("Mon-Fri 09:00-17:00 UTC")
TWO_WORKING = Duration.parse("2wh")


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({}, timedelta(hours=1)),
        ({"rule": Rule(name="r")}, timedelta(hours=1)),
        ({"rule": Rule(name="r", valid_for=Duration.parse("15m"))}, timedelta(minutes=15)),
        (
            {"rule": Rule(name="r", valid_for=TWO_WORKING, working_hours=WEEK)},
            TWO_WORKING.after(NOW, WEEK) - NOW,
        ),
        ({"decision": None}, None),
        ({"subject": WORK}, None),
    ],
)
def test_an_approval_of_a_call_ends(changes: dict[str, Any], after: timedelta | None) -> None:
    approved = replace(a_call(State.DECIDED, decision=a_decision(Approve(), at=NOW)), **changes)
    assert approved.valid_until == (None if after is None else NOW + after)
    if after is not None:
        assert not approved.has_expired(NOW + after - timedelta(seconds=1))
        assert approved.has_expired(NOW + after)
        refused = replace(approved, decision=REFUSED)
        assert not refused.has_expired(NOW + 2 * after)


@pytest.mark.parametrize("state", [State.DECIDED, State.STUCK])
def test_an_approval_that_ended_closes_its_round(state: State) -> None:
    ended = a_call(state, decision=APPROVED).expire(LATER)
    assert (ended.round.state, ended.round.reason) == (State.CLOSED, Expired())
    assert [one.kind for one in ended.effects] == [REFRESH, NOTIFY_STUCK]


def test_a_call_that_is_asked_about_anew_is_not_approved_by_time() -> None:
    when = Conditions(tool="purchase")
    rule = Rule(
        name="slow", when=when, timeout=TimeOut(Duration.parse("1d"), TimeoutAction.APPROVE)
    )
    ended = a_call(State.DECIDED, decision=APPROVED, rule=rule).expire(LATER).round
    new_ids = Numbered()
    perhaps = ask_again(ended, may_have_run=True, at=LATER, new_id=new_ids).current
    never = ask_again(ended, may_have_run=False, at=LATER, new_id=new_ids).current
    assert perhaps.subject == replace(CALL, may_have_run=True, was_tried=True)
    assert (perhaps.state, never.subject) == (State.WAITING, CALL)
    assert perhaps.rule == for_call(rule, call_of(perhaps.subject))
    assert never.rule == rule


@pytest.mark.parametrize(
    ("text", "found", "is_whole"),
    [
        ('{"to": "bob", "n": 5}', {"to": "bob", "n": 5}, True),
        ("{}", {}, True),
        ('{\n  "to": "bob",\n  "text": "Dear B', {"to": "bob", "text": "Dear B…"}, False),
        ('{"to": "bob", "amount": 125', {"to": "bob"}, False),
        ('{"to": "bob", "amount": ', {"to": "bob"}, False),
        ('{"to": "bob", "te', {"to": "bob"}, False),
        (r'{"to": "a\u00e', {"to": "a…"}, False),
        (r'{"to": "a\q and much more', {"to": "…"}, False),
        ("no arguments", {}, False),
        ('{"to": ' + "[" * 100_000, {}, False),
    ],
)
def test_the_first_arguments_of_a_cut_call_are_read(
    text: str, found: dict[str, object], is_whole: bool
) -> None:
    assert first_arguments(text) == (found, is_whole)


@pytest.mark.parametrize(
    ("others", "name"),
    [((), "mcp_shop_purchase"), (("purchase",), "purchase"), (("",), "mcp_shop_purchase")],
)
def test_people_read_the_shortest_name_of_a_tool(others: tuple[str, ...], name: str) -> None:
    assert ToolCall("mcp_shop_purchase", other_names=others).name == name

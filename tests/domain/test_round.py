"""Every arrow of the state machine, and every arrow that it does not have."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    AlreadyDecided,
    InvalidTransition,
    NotWaiting,
    RoundClosed,
    RoundSuperseded,
)
from crewgate.domain.reason import (
    ExecutionEnded,
    ExecutionFailed,
    ExecutionGone,
    ExecutionOver,
    Inferred,
    NeverSent,
    Reason,
    RefusedByCrew,
)
from crewgate.domain.review import Round, State, Transition
from crewgate.domain.verdict import Revise
from tests.builders import BEN, LATER, NOW, a_decision, a_round

REFRESH, RESUME, NOTIFY_STUCK = EffectKind.REFRESH, EffectKind.RESUME, EffectKind.NOTIFY_STUCK

TRANSITIONS: dict[str, Callable[[Round], Transition]] = {
    "decide": lambda round_: round_.decide(a_decision(Revise("Shorter."))),
    "supersede": lambda round_: round_.supersede(LATER),
    "close": lambda round_: round_.close(ExecutionEnded(), LATER),
    "retry": lambda round_: round_.retry(),
    "supersede_decided": lambda round_: round_.supersede_decided(LATER),
    "take effect": lambda round_: round_.took_effect(LATER),
    "reopen": lambda round_: round_.reopen(),
    "dismiss": lambda round_: round_.dismiss(BEN, "Started again.", LATER),
}

ARROWS = {
    (State.WAITING, "decide"): (State.DECIDED, (REFRESH, RESUME)),
    (State.WAITING, "supersede"): (State.SUPERSEDED, (REFRESH,)),
    (State.WAITING, "close"): (State.CLOSED, (REFRESH,)),
    (State.DECIDED, "supersede_decided"): (State.CLOSED, (REFRESH, NOTIFY_STUCK)),
    (State.STUCK, "supersede_decided"): (State.CLOSED, (REFRESH, NOTIFY_STUCK)),
    (State.STUCK, "retry"): (State.DECIDED, (REFRESH, RESUME)),
    (State.STUCK, "close"): (State.CLOSED, (REFRESH,)),
    (State.STUCK, "dismiss"): (State.CLOSED, (REFRESH, NOTIFY_STUCK)),
}

EVERYTHING = [(state, name) for state in State for name in TRANSITIONS]


@pytest.mark.parametrize(("state", "name"), ARROWS)
def test_an_arrow_leads_where_it_should_and_says_what_must_happen(state: State, name: str) -> None:
    before = a_round(state)
    after = TRANSITIONS[name](before)
    assert (after.round.state, tuple(effect.kind for effect in after.effects)) == ARROWS[
        state, name
    ]
    assert {(effect.target, effect.crew, effect.execution_id) for effect in after.effects} == {
        ("r-1", "research", "e-1")
    }
    assert after.round.version == before.version  # only the store counts versions


@pytest.mark.parametrize(
    ("state", "name"),
    [pair for pair in EVERYTHING if pair not in ARROWS and pair[1] != "decide"],
)
def test_an_arrow_that_is_missing_raises(state: State, name: str) -> None:
    with pytest.raises(InvalidTransition, match=state):
        TRANSITIONS[name](a_round(state))


@pytest.mark.parametrize("state", [state for state in State if state is not State.DECIDED])
def test_only_a_decision_on_its_way_is_sent(state: State) -> None:
    with pytest.raises(InvalidTransition, match="cannot be sent"):
        a_round(state).begin_sending(NOW, activity_count=0)


# --- deciding ---


def test_a_decision_is_kept_whole() -> None:
    decision = a_decision(Revise("Shorter."), by=BEN)
    assert a_round().decide(decision).round.decision == decision


@pytest.mark.parametrize("state", [State.DECIDED, State.RESUMED, State.STUCK])
def test_the_second_decision_is_told_who_was_faster_and_when(state: State) -> None:
    with pytest.raises(AlreadyDecided) as caught:
        a_round(state, decision=a_decision(by=BEN, at=LATER)).decide(a_decision())
    assert (caught.value.decision.by, caught.value.decision.at) == (BEN, LATER)
    assert BEN.id in str(caught.value)


def test_a_superseded_round_takes_no_decision() -> None:
    with pytest.raises(RoundSuperseded):
        a_round(State.SUPERSEDED).decide(a_decision())


def test_a_closed_round_says_why_it_takes_no_decision() -> None:
    with pytest.raises(RoundClosed) as caught:
        a_round(State.CLOSED, reason=ExecutionFailed("out of tokens")).decide(a_decision())
    assert caught.value.reason == ExecutionFailed("out of tokens")
    assert "tokens" not in str(caught.value)  # it may quote an output, and this is logged


def test_a_round_that_was_decided_and_then_closed_is_closed() -> None:
    with pytest.raises(RoundClosed):
        a_round(State.CLOSED, decision=a_decision()).decide(a_decision())


@pytest.mark.parametrize("state", [state for state in State if state is not State.WAITING])
def test_asking_whether_it_waits_raises_as_deciding_does(state: State) -> None:
    with pytest.raises(NotWaiting):
        a_round(state).require_waiting()


def test_a_waiting_round_waits() -> None:
    a_round().require_waiting()


# --- ending ---


@pytest.mark.parametrize("name", ["supersede", "close"])
def test_an_end_has_its_time(name: str) -> None:
    assert TRANSITIONS[name](a_round()).round.ended_at == LATER


def test_closing_keeps_the_reason() -> None:
    assert a_round().close(ExecutionEnded(), LATER).round.reason == ExecutionEnded()


@pytest.mark.parametrize("state", [State.DECIDED, State.STUCK])
def test_evidence_counts_as_an_answer(state: State) -> None:
    transition = a_round(state, in_doubt_since=NOW).took_effect(LATER)
    taken = transition.round
    assert (taken.state, taken.reason, taken.ended_at) == (State.RESUMED, Inferred(), LATER)
    assert [effect.kind for effect in transition.effects] == [REFRESH]


@pytest.mark.parametrize(
    ("reason", "ends"),
    [
        (ExecutionEnded(), State.RESUMED),
        (ExecutionFailed(), State.CLOSED),
        (ExecutionGone(), State.CLOSED),
    ],
)
def test_what_may_have_been_taken_was_taken_if_the_execution_ran_to_its_end(
    reason: ExecutionOver, ends: State
) -> None:
    stuck = a_round(State.STUCK, in_doubt_since=NOW)
    assert stuck.close(reason, LATER).round.state is ends
    assert replace(stuck, in_doubt_since=None).close(reason, LATER).round.state is State.CLOSED


# --- reopening ---


@pytest.mark.parametrize(
    ("state", "in_doubt_since"),
    [(State.WAITING, None), (State.STUCK, None), (State.STUCK, NOW)],
)
def test_what_was_closed_because_the_execution_was_gone_is_reopened(
    state: State, in_doubt_since: datetime | None
) -> None:
    before = a_round(state, in_doubt_since=in_doubt_since)
    transition = before.close(ExecutionGone(), LATER).round.reopen()
    assert transition.round == before
    assert [effect.kind for effect in transition.effects] == [REFRESH]


@pytest.mark.parametrize(("state", "is_called"), [(State.WAITING, True), (State.STUCK, False)])
def test_others_are_called_again_once_their_round_is_reopened(
    state: State, is_called: bool
) -> None:
    before = a_round(state, escalated_at=NOW)
    transition = before.close(ExecutionGone(), LATER).round.reopen()
    called = EffectKind.POST_ESCALATED in [effect.kind for effect in transition.effects]
    assert (transition.round, called) == (before, is_called)


@pytest.mark.parametrize(
    "reason",
    [ExecutionGone(), ExecutionEnded(while_waiting=True), ExecutionFailed(while_waiting=True)],
)
def test_what_only_a_status_closed_is_reopened_and_nothing_else(reason: Reason) -> None:
    assert a_round(State.CLOSED, reason=reason).can_reopen
    assert not a_round(State.RESUMED, reason=reason).can_reopen


@pytest.mark.parametrize("reason", [None, NeverSent(), ExecutionEnded(), ExecutionFailed()])
def test_what_was_closed_for_another_reason_is_not_reopened(reason: Reason | None) -> None:
    closed = a_round(State.CLOSED, reason=reason)
    assert not closed.can_reopen
    with pytest.raises(InvalidTransition):
        closed.reopen()


# --- a newer output while the decision is on its way ---


@pytest.mark.parametrize("state", [State.DECIDED, State.STUCK])
def test_a_newer_output_proves_that_what_may_have_been_sent_was_taken(state: State) -> None:
    transition = a_round(state, in_doubt_since=NOW).supersede_decided(LATER)
    assert transition.round.state is State.RESUMED
    assert transition.round.reason == Inferred()
    assert [effect.kind for effect in transition.effects] == [REFRESH]


@pytest.mark.parametrize("state", [State.DECIDED, State.STUCK])
def test_a_newer_output_makes_what_was_never_sent_pointless(state: State) -> None:
    transition = a_round(state, in_doubt_since=None).supersede_decided(LATER)
    assert transition.round.state is State.CLOSED
    assert (transition.round.reason, transition.round.ended_at) == (NeverSent(), LATER)
    assert transition.round.decision is not None


# --- sending ---


def test_the_first_try_notes_when_it_began_and_the_activity_before() -> None:
    sending = a_round(State.DECIDED).begin_sending(LATER, activity_count=7)
    assert (sending.in_doubt_since, sending.activity_before) == (LATER, 7)
    assert sending.state is State.DECIDED


def test_a_later_try_keeps_when_the_first_began() -> None:
    first = a_round(State.DECIDED).begin_sending(NOW, activity_count=7)
    assert first.begin_sending(LATER, activity_count=9) == first


def test_a_retry_forgets_why_it_was_stuck_but_not_that_it_may_have_been_sent() -> None:
    stuck = a_round(
        State.STUCK, in_doubt_since=NOW, activity_before=3, reason=RefusedByCrew("404", "no")
    )
    again = stuck.retry().round
    assert again == replace(stuck, state=State.DECIDED, reason=None, retries=1)

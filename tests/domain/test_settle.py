"""The effect of each outcome of a resume on a round."""

from dataclasses import replace
from itertools import product

import pytest

from crewgate.domain.acts import CallResult, CallState, ToolCall
from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    Refused,
    ResumeStatus,
    Unknown,
)
from crewgate.domain.reason import (
    Answered,
    AnswerLost,
    Dismissed,
    Inferred,
    NeverSent,
    NotCalled,
    NotReached,
    RanEarlier,
    Reason,
    RefusedByCrew,
    RetriesExhausted,
)
from crewgate.domain.review import Round, State, Transition
from tests.builders import BEN, LATER, NOW, a_round

REFRESH, NOTIFY_STUCK = EffectKind.REFRESH, EffectKind.NOTIFY_STUCK
SENDING = a_round(State.DECIDED, in_doubt_since=NOW, activity_before=2)

DELIVERED = Delivered("resumed by a person", ResumeStatus.RESUMED)
AWAY = NotSent("connection refused")
LOST = Unknown("no answer within 45 s")
NOT_PENDING = Refused("400", "no")

Expected = tuple[State, Reason, tuple[EffectKind, ...]]

RESUMED = Answered("resumed by a person", ResumeStatus.RESUMED)
TAKEN: Expected = (State.RESUMED, RESUMED, (REFRESH,))
NOT_SENT: Expected = (State.DECIDED, NotReached("connection refused"), (REFRESH,))
UNKNOWN: Expected = (State.DECIDED, AnswerLost("no answer within 45 s"), (REFRESH,))


def stuck(reason: Reason) -> Expected:
    return (State.STUCK, reason, (REFRESH, NOTIFY_STUCK))


def refused(code: str) -> Expected:
    return stuck(RefusedByCrew(code, "no"))


def given_up(why: str) -> Expected:
    return stuck(RetriesExhausted(why))


# outcome, in doubt, retries exhausted -> state, reason, effects, still sending
TABLE = [
    *((DELIVERED, *case, TAKEN, True) for case in product([False, True], repeat=2)),
    *(
        (Refused(code, "no"), in_doubt, exhausted, refused(code), in_doubt)
        for code in ("400", "401", "403", "404", "422")
        for in_doubt in (False, True)
        for exhausted in (False, True)
    ),
    (Refused("empty", "no"), False, False, stuck(NotCalled("empty", "no")), False),
    (AWAY, False, False, NOT_SENT, False),
    (AWAY, True, False, NOT_SENT, True),
    (AWAY, False, True, given_up("connection refused"), False),
    (AWAY, True, True, given_up("connection refused"), True),
    (LOST, False, False, UNKNOWN, True),
    (LOST, True, False, UNKNOWN, True),
    (LOST, False, True, given_up("no answer within 45 s"), True),
    (LOST, True, True, given_up("no answer within 45 s"), True),
]


def settle(
    round_: Round, outcome: Outcome, *, in_doubt: bool = False, retries_exhausted: bool = False
) -> Transition:
    return round_.settle(outcome, in_doubt=in_doubt, retries_exhausted=retries_exhausted, at=LATER)


@pytest.mark.parametrize(("outcome", "in_doubt", "retries_exhausted", "expected", "sending"), TABLE)
def test_an_outcome_decides_where_the_decision_stands(
    outcome: Outcome,
    in_doubt: bool,
    retries_exhausted: bool,
    expected: Expected,
    sending: bool,
) -> None:
    transition = settle(SENDING, outcome, in_doubt=in_doubt, retries_exhausted=retries_exhausted)
    after = transition.round
    assert (after.state, after.reason, tuple(e.kind for e in transition.effects)) == expected
    assert (after.in_doubt_since is not None) == sending
    assert after.ended_at == (LATER if after.state is State.RESUMED else None)
    assert after.decision == SENDING.decision


@pytest.mark.parametrize("outcome", [AWAY, LOST])
def test_a_try_that_failed_like_the_one_before_needs_no_new_card(outcome: Outcome) -> None:
    once = settle(SENDING, outcome, in_doubt=True).round
    again = settle(once, outcome, in_doubt=True)
    assert again.effects == ()
    assert again.round == once


@pytest.mark.parametrize("refusal", [NOT_PENDING, Refused("401", "no")])
def test_with_evidence_that_the_crew_was_taken_a_refusal_says_that_it_was_taken(
    refusal: Refused,
) -> None:
    transition = SENDING.settle(
        refusal, in_doubt=True, was_taken=True, retries_exhausted=False, at=LATER
    )
    assert (transition.round.state, transition.round.reason) == (State.RESUMED, Inferred())
    assert [effect.kind for effect in transition.effects] == [REFRESH]


def test_evidence_says_nothing_of_a_first_try_that_was_refused() -> None:
    transition = SENDING.settle(
        NOT_PENDING, in_doubt=False, was_taken=True, retries_exhausted=False, at=LATER
    )
    assert transition.round.state is State.STUCK
    assert not transition.round.in_doubt


# --- an answer that comes after the round moved on ---

GONE_ON = a_round(State.RESUMED, reason=Inferred(), in_doubt_since=NOW, ended_at=NOW)


@pytest.mark.parametrize(
    "round_", [GONE_ON, a_round(State.RESUMED, reason=RESUMED), a_round(State.STUCK)]
)
def test_a_late_yes_is_the_better_answer(round_: Round) -> None:
    transition = settle(round_, Delivered("doing it again", ResumeStatus.RETRYING))
    assert transition.round.state is State.RESUMED
    assert transition.round.reason == Answered("doing it again", ResumeStatus.RETRYING)
    assert [effect.kind for effect in transition.effects] == [REFRESH]


@pytest.mark.parametrize("outcome", [NOT_PENDING, Refused("401", ""), AWAY])
def test_a_late_no_to_the_only_try_shows_that_the_newer_output_was_no_evidence(
    outcome: Outcome,
) -> None:
    transition = settle(GONE_ON, outcome)
    assert (transition.round.state, transition.round.reason) == (State.CLOSED, NeverSent())
    assert not transition.round.in_doubt
    assert [effect.kind for effect in transition.effects] == [REFRESH, NOTIFY_STUCK]


@pytest.mark.parametrize(
    ("was_tried", "state", "reason"),
    [(True, State.CLOSED, RanEarlier()), (False, State.RESUMED, Inferred())],
)
def test_a_late_no_to_the_only_try_leaves_a_call_that_ran_one_that_ran(
    was_tried: bool, state: State, reason: Reason
) -> None:
    call, ran = ToolCall("send", was_tried=was_tried), CallResult(CallState.RAN, "Sent.")
    after = settle(replace(GONE_ON, subject=call, call_result=ran), NOT_PENDING).round
    assert (after.state, after.reason, after.call_result) == (state, reason, ran)


@pytest.mark.parametrize(
    ("round_", "outcome", "in_doubt"),
    [
        (GONE_ON, LOST, False),
        (GONE_ON, LOST, True),
        (GONE_ON, AWAY, True),
        (GONE_ON, NOT_PENDING, True),
        (a_round(State.RESUMED, reason=RESUMED), NOT_PENDING, False),
        (a_round(State.RESUMED, reason=RESUMED), AWAY, False),
        (a_round(State.STUCK), Refused("401", ""), False),
        (a_round(State.STUCK), LOST, True),
        *((a_round(State.CLOSED), outcome, False) for outcome in (DELIVERED, AWAY, LOST)),
        *((a_round(State.SUPERSEDED), outcome, False) for outcome in (DELIVERED, AWAY, LOST)),
        *((a_round(), outcome, False) for outcome in (DELIVERED, AWAY, LOST)),
    ],
)
def test_any_other_late_answer_changes_nothing(
    round_: Round, outcome: Outcome, in_doubt: bool
) -> None:
    assert settle(round_, outcome, in_doubt=in_doubt) == Transition(round_, ())


def test_the_crews_answer_counts_even_when_it_comes_after_somebody_dismissed_the_round() -> None:
    """One of two tries was refused, and the answer to the other try came last."""
    stuck = settle(SENDING, Refused("401", "no"), in_doubt=True).round
    dismissed = stuck.dismiss(BEN, "Started again.", LATER).round
    late = settle(dismissed, DELIVERED, in_doubt=True)
    assert (late.round.state, late.round.reason) == (State.RESUMED, RESUMED)
    assert settle(dismissed, NOT_PENDING, in_doubt=True).round.reason == Dismissed(
        BEN, "Started again."
    )

"""What each outcome of telling the crew makes of a round."""

from __future__ import annotations

from itertools import product

import pytest

from bot.domain.effects import EffectKind
from bot.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    ResumeStatus,
    Unknown,
)
from bot.domain.review import (
    INFERRED,
    NEWER_OUTPUT,
    RETRIES_EXHAUSTED,
    RETRYING,
    Round,
    State,
    Transition,
)
from tests.builders import LATER, NOW, a_round

REFRESH, NOTIFY_STUCK = EffectKind.REFRESH, EffectKind.NOTIFY_STUCK
SENDING = a_round(State.DECIDED, in_doubt_since=NOW, activity_before=2)

TAKEN = (State.RESUMED, "resumed", (REFRESH,))
PROVED = (State.RESUMED, INFERRED, (REFRESH,))
GIVEN_UP = (State.STUCK, RETRIES_EXHAUSTED, (REFRESH, NOTIFY_STUCK))
NOT_SENT = (State.DECIDED, "not_sent", (REFRESH,))
UNKNOWN = (State.DECIDED, "unknown", (REFRESH,))

DELIVERED = Delivered("resumed by a person", ResumeStatus.RESUMED)
AWAY = NotSent("connection refused")
LOST = Unknown("no answer within 45 s")
NOT_PENDING = Refused("400", "no", RefusalKind.NOT_PENDING)


def refused(code: str) -> tuple[State, str, tuple[EffectKind, ...]]:
    return (State.STUCK, code, (REFRESH, NOTIFY_STUCK))


# outcome, in doubt, retries exhausted -> state, answer_code, effects, still sending
TABLE = [
    *((DELIVERED, *case, TAKEN, True) for case in product([False, True], repeat=2)),
    *((NOT_PENDING, True, exhausted, PROVED, True) for exhausted in (False, True)),
    *((NOT_PENDING, False, exhausted, refused("400"), False) for exhausted in (False, True)),
    *(
        (Refused(code, "no"), in_doubt, exhausted, refused(code), in_doubt)
        for code in ("401", "403", "404", "422")
        for in_doubt in (False, True)
        for exhausted in (False, True)
    ),
    (AWAY, False, False, NOT_SENT, False),
    (AWAY, True, False, NOT_SENT, True),
    (AWAY, False, True, GIVEN_UP, False),
    (AWAY, True, True, GIVEN_UP, True),
    (LOST, False, False, UNKNOWN, True),
    (LOST, True, False, UNKNOWN, True),
    (LOST, False, True, GIVEN_UP, True),
    (LOST, True, True, GIVEN_UP, True),
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
    expected: tuple[State, str, tuple[EffectKind, ...]],
    sending: bool,
) -> None:
    move = settle(SENDING, outcome, in_doubt=in_doubt, retries_exhausted=retries_exhausted)
    after = move.round
    assert (after.state, after.answer_code, tuple(e.kind for e in move.effects)) == expected
    assert (after.in_doubt_since is not None) == sending
    assert after.ended_at == (LATER if after.state is State.RESUMED else None)
    assert after.decision == SENDING.decision


def test_the_crew_s_own_words_are_kept() -> None:
    assert settle(SENDING, DELIVERED).round.answer == "resumed by a person"
    assert settle(SENDING, Refused("404", "no such task")).round.answer == "no such task"
    assert settle(SENDING, AWAY).round.answer == "connection refused"
    assert settle(SENDING, AWAY, retries_exhausted=True).round.answer == "connection refused"


@pytest.mark.parametrize("outcome", [AWAY, LOST])
def test_a_try_that_failed_like_the_one_before_needs_no_new_card(outcome: Outcome) -> None:
    once = settle(SENDING, outcome, in_doubt=True).round
    again = settle(once, outcome, in_doubt=True)
    assert again.effects == ()
    assert again.round == once


# --- an answer that comes after the round moved on ---

GONE_ON = a_round(State.RESUMED, answer_code=INFERRED, in_doubt_since=NOW, ended_at=NOW)


@pytest.mark.parametrize(
    "round_", [GONE_ON, a_round(State.RESUMED, answer_code="resumed"), a_round(State.STUCK)]
)
def test_a_late_yes_is_the_better_answer(round_: Round) -> None:
    move = settle(round_, Delivered("doing it again", ResumeStatus.RETRYING))
    assert (move.round.state, move.round.answer_code) == (State.RESUMED, RETRYING)
    assert [effect.kind for effect in move.effects] == [REFRESH]


@pytest.mark.parametrize("outcome", [NOT_PENDING, Refused("401", ""), AWAY])
def test_a_late_no_to_the_only_try_shows_that_the_newer_output_was_no_proof(
    outcome: Outcome,
) -> None:
    move = settle(GONE_ON, outcome)
    assert (move.round.state, move.round.answer) == (State.CLOSED, NEWER_OUTPUT)
    assert [effect.kind for effect in move.effects] == [REFRESH, NOTIFY_STUCK]


@pytest.mark.parametrize(
    ("round_", "outcome", "in_doubt"),
    [
        (GONE_ON, LOST, False),
        (GONE_ON, LOST, True),
        (GONE_ON, AWAY, True),
        (GONE_ON, NOT_PENDING, True),
        (a_round(State.RESUMED, answer_code="resumed"), NOT_PENDING, False),
        (a_round(State.RESUMED, answer_code="resumed"), AWAY, False),
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

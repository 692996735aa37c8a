"""The effect of a notification: the table of `receive`, row by row."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import Answered, ExecutionGone, Inferred
from crewgate.domain.receipt import Receipt, receive
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Revise
from tests.builders import (
    ANA,
    LATER,
    NOW,
    Numbered,
    a_decision,
    a_notification,
    a_review,
    a_round,
    an_output,
)

POST, REFRESH, NOTIFY_STUCK = EffectKind.POST, EffectKind.REFRESH, EffectKind.NOTIFY_STUCK

APPROVED = a_decision(Approve())
REVISED = a_decision(Revise("Shorter."))

SAME, OTHER = "A draft.", "Another draft."


def received(latest: Round | None, text: str, **changes: Any) -> Receipt:
    paused = a_notification(text, **changes)
    return receive(latest, paused, review=a_review(), at=LATER, new_id=Numbered(), activity=3)


def kinds(receipt: Receipt) -> list[EffectKind]:
    return [effect.kind for effect in receipt.effects]


def unsent(state: State, *, revised: bool) -> Round:
    return a_round(state, decision=REVISED if revised else APPROVED)


def sent(state: State, *, revised: bool) -> Round:
    return replace(unsent(state, revised=revised), in_doubt_since=NOW)


WAY = [(state, revised) for state in (State.DECIDED, State.STUCK) for revised in (False, True)]
DUPLICATES = [
    a_round(),
    *(unsent(state, revised=revised) for state, revised in WAY),
    sent(State.DECIDED, revised=False),
    sent(State.STUCK, revised=False),
    a_round(State.RESUMED, decision=APPROVED, reason=Inferred()),
]
OPENS_AGAIN = [
    # latest, whether the next one says "unchanged", how the latest ends, what must happen
    (sent(State.DECIDED, revised=True), True, State.RESUMED, [REFRESH, POST]),
    (sent(State.STUCK, revised=True), True, State.RESUMED, [REFRESH, POST]),
    (
        a_round(State.RESUMED, decision=REVISED, reason=Answered("", ResumeStatus.RETRYING)),
        True,
        None,
        [POST],
    ),
    (a_round(State.RESUMED, decision=REVISED, reason=Inferred()), True, None, [POST]),
    (
        a_round(State.RESUMED, decision=APPROVED, reason=Answered("", ResumeStatus.RESUMED)),
        True,
        None,
        [POST],
    ),
    (a_round(State.CLOSED), False, None, [POST]),
    (a_round(State.CLOSED, decision=REVISED), True, None, [POST]),
]
NEWER = [
    (a_round(), State.SUPERSEDED, [REFRESH, POST]),
    *((unsent(state, revised=r), State.CLOSED, [REFRESH, NOTIFY_STUCK, POST]) for state, r in WAY),
    *((sent(state, revised=r), State.RESUMED, [REFRESH, POST]) for state, r in WAY),
    (a_round(State.RESUMED, decision=APPROVED), None, [POST]),
    (a_round(State.RESUMED, decision=REVISED), None, [POST]),
    (a_round(State.CLOSED), None, [POST]),
]


def test_the_first_output_opens_round_1() -> None:
    receipt = received(None, SAME)
    assert receipt.opened
    assert receipt.ended is None
    assert kinds(receipt) == [POST]
    assert receipt.current == Round(
        id="id-001",
        review=a_review(),
        number=1,
        digest=an_output(SAME).digest,
        opened_at=LATER,
        activity_before=3,
    )


@pytest.mark.parametrize("latest", DUPLICATES)
def test_the_same_output_is_a_duplicate_as_long_as_nothing_was_asked_for(latest: Round) -> None:
    assert received(latest, SAME) == Receipt(latest, opened=False, ended=None, effects=())


@pytest.mark.parametrize(("latest", "unchanged", "ends", "effects"), OPENS_AGAIN)
def test_the_same_output_opens_the_next_round_where_the_task_is_done_again(
    latest: Round, unchanged: bool, ends: State | None, effects: list[EffectKind]
) -> None:
    receipt = received(latest, SAME)
    assert receipt.opened
    assert (receipt.current.number, receipt.current.state) == (2, State.WAITING)
    assert receipt.current.unchanged == unchanged
    assert (receipt.ended.state if receipt.ended else None) == ends
    assert kinds(receipt) == effects


@pytest.mark.parametrize(("latest", "ends", "effects"), NEWER)
def test_another_output_opens_the_next_round_and_ends_what_is_under_way(
    latest: Round, ends: State | None, effects: list[EffectKind]
) -> None:
    receipt = received(latest, OTHER)
    assert receipt.opened
    assert (receipt.current.number, receipt.current.digest) == (2, an_output(OTHER).digest)
    assert not receipt.current.unchanged
    assert (receipt.ended.state if receipt.ended else None) == ends
    assert kinds(receipt) == effects


@pytest.mark.parametrize("status", ResumeStatus)
def test_an_earlier_host_may_repeat_an_output_that_was_approved(status: ResumeStatus) -> None:
    latest = a_round(State.RESUMED, decision=APPROVED, reason=Answered("", status))
    receipt = received(latest, SAME, takes_edits=True)
    assert receipt.opened == (status is ResumeStatus.RETRYING)


def test_the_crews_text_after_a_persons_is_another_one() -> None:
    answered = Answered("", ResumeStatus.RESUMED)
    latest = a_round(State.RESUMED, decision=APPROVED, reason=answered, edited_by=ANA)
    receipt = received(latest, SAME, takes_edits=True)
    assert receipt.opened
    assert not receipt.current.unchanged


PAUSES = [
    a_round(),
    sent(State.DECIDED, revised=True),
    sent(State.STUCK, revised=True),
    a_round(State.RESUMED, decision=REVISED, reason=Inferred()),
    a_round(State.CLOSED),
]


@pytest.mark.parametrize("latest", PAUSES)
@pytest.mark.parametrize("text", [SAME, OTHER])
def test_the_same_pause_again_is_a_duplicate_whatever_was_decided(latest: Round, text: str) -> None:
    latest = replace(latest, pause_id="draft 1")
    assert received(latest, text, pause_id="draft 1") == Receipt(latest)


@pytest.mark.parametrize(
    ("latest", "ends"),
    [
        (a_round(), State.SUPERSEDED),
        (unsent(State.DECIDED, revised=False), State.CLOSED),
        (sent(State.DECIDED, revised=False), State.RESUMED),
        (a_round(State.RESUMED, decision=APPROVED, reason=Inferred()), None),
    ],
)
def test_another_pause_is_another_question_whatever_it_says(
    latest: Round, ends: State | None
) -> None:
    latest = replace(latest, pause_id="draft 1")
    receipt = received(latest, SAME, pause_id="draft 2", takes_key=True)
    assert (receipt.ended.state if receipt.ended else None) == ends
    assert (receipt.current.number, receipt.current.pause_id) == (2, "draft 2")
    assert receipt.current.takes_key
    assert receipt.current.unchanged == (ends is None)


def test_a_pause_whose_execution_was_gone_is_asked_about_again() -> None:
    gone = replace(GONE, pause_id="draft 1")
    assert received(gone, SAME, pause_id="draft 1").opened


GONE = a_round(State.CLOSED, reason=ExecutionGone())
BACK = [
    (GONE, State.SUPERSEDED, [REFRESH, POST]),
    (replace(GONE, decision=APPROVED), State.CLOSED, [REFRESH, NOTIFY_STUCK, POST]),
    (replace(GONE, decision=REVISED, in_doubt_since=NOW), State.RESUMED, [REFRESH, POST]),
]


@pytest.mark.parametrize("text", [SAME, OTHER])
@pytest.mark.parametrize(("latest", "ends", "effects"), BACK)
def test_a_crew_that_is_back_ends_what_was_closed_because_it_was_gone(
    latest: Round, text: str, ends: State, effects: list[EffectKind]
) -> None:
    receipt = received(latest, text)
    assert receipt.ended is not None
    assert (receipt.ended.state, receipt.current.state) == (ends, State.WAITING)
    assert kinds(receipt) == effects
    assert receipt.current.unchanged == (text == SAME and latest.decision == REVISED)


def test_the_effects_about_the_round_that_ended_come_first() -> None:
    receipt = received(a_round(), OTHER)
    assert [effect.target for effect in receipt.effects] == ["r-1", "id-001"]


def test_numbers_go_on_from_the_latest() -> None:
    assert received(a_round(State.RESUMED, number=41), OTHER).current.number == 42

"""The checks of decisions under rules see what they are there for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from crewgate.domain.review import State
from tests.soak.checks import check_everything
from tests.soak.crew_records import Applied, CrewRecords
from tests.soak.database import Stored, StoredRound
from tests.soak.evidence import Evidence
from tests.soak.ledger import Ledger, Outage, TakenBack
from tests.soak.rules import AWAY, BESIDE, DELEGATE, EXCLUDED, LEAD, STARTER, TIMED_OUT
from tests.soak.test_checks import FIRST, PRESS, ROUND, SECOND, a_card, an_execution

TWO_EYES, SENT_BACK, STOOD_IN = "crew1", "crew2", "crew3"
ANA, BEN = "U0PERSON1", "U0PERSON2"
UNDER_RULE = replace(ROUND, crew=TWO_EYES, has_rule=True, decided_by=BEN)
TIMED = replace(
    ROUND,
    crew=SENT_BACK,
    has_rule=True,
    is_approve=False,
    feedback=TIMED_OUT,
    decided_by="",
    votes=(),
)


def decided(
    *by: str, crew: str = TWO_EYES, absent: str | None = None, escalated: bool = False
) -> Evidence:
    """A round that these people approved, the first of them for somebody else where one is away."""
    votes = ((by[0], absent), *((one, None) for one in by[1:]))
    round_ = replace(UNDER_RULE, crew=crew, votes=votes, decided_by=by[-1], escalated=escalated)
    presses = [replace(PRESS, by=one) for one in by]
    return evidence_of(round_, Ledger(presses=presses, posted={"r-1": 5}))


def timed_out(*, posted: float | None = 5, **changed: object) -> Evidence:
    """A round that its rule decided."""
    cards = {} if posted is None else {"r-1": posted}
    return evidence_of(replace(TIMED, **changed), Ledger(posted=cards))  # type: ignore[arg-type]


def evidence_of(round_: StoredRound, ledger: Ledger) -> Evidence:
    applied = Applied(
        FIRST, "e-1", is_approve=bool(round_.is_approve), feedback=round_.feedback or "Approved."
    )
    crews = CrewRecords(
        executions={"e-1": an_execution()}, applied=[applied], resumed_at={FIRST: 12}
    )
    stored = Stored((round_,), (), frozenset({"e-1"}))
    return Evidence(crews, stored, ledger, {"r-1": a_card()}, Counter())


@pytest.mark.parametrize(
    "evidence",
    [
        decided(ANA, BEN),
        decided(STARTER, ANA),
        decided(DELEGATE, BESIDE, crew=STOOD_IN, absent=AWAY),
        decided(ANA, LEAD, crew="crew4", escalated=True),
        timed_out(),
    ],
)
def test_what_the_rule_allows_is_no_problem(evidence: Evidence) -> None:
    assert not check_everything(evidence)


@pytest.mark.parametrize(
    ("evidence", "problem"),
    [
        (decided(ANA), "was approved by 1 of 2"),
        (decided(ANA, ANA), "counts somebody twice"),
        (decided(AWAY, BESIDE, crew=STOOD_IN), "may not under “stood in for”"),
        (decided(DELEGATE, BESIDE, crew=STOOD_IN), "may not under “stood in for”"),
        (decided(EXCLUDED, ANA), "may not under “two eyes”"),
        (decided(ANA, LEAD, crew="crew4"), "may not under “passed in time”"),
        (timed_out(posted=None), "timed out, and its card was not there"),
        (timed_out(feedback="Else."), "its rule says revise"),
        (timed_out(crew=TWO_EYES), "its rule says leave"),
        (timed_out(has_rule=False), "has lost its rule"),
        (timed_out(posted=20), "came 8 s after its end"),
    ],
)
def test_what_it_does_not_allow_is_told(evidence: Evidence, problem: str) -> None:
    assert any(problem in one for one in check_everything(evidence))


def test_an_approval_by_who_started_it() -> None:
    evidence = decided(STARTER, ANA)
    evidence.ledger.started.add(FIRST.number)
    assert "and started it" in check_everything(evidence)[0]


def test_an_approval_that_nobody_gave() -> None:
    evidence = decided(ANA, BEN)
    evidence.ledger.presses.pop(0)
    assert f"{ANA} did not approve" in check_everything(evidence)[0]


@pytest.mark.parametrize(("at", "wrong"), [(9, True), (11, False)])
def test_an_approval_that_was_taken_back(at: float, *, wrong: bool) -> None:
    evidence = decided(ANA, BEN)
    evidence.ledger.presses[0] = replace(evidence.ledger.presses[0], sent_at=8)
    evidence.ledger.taken_back.append(TakenBack(ANA, "r-1", at))
    assert bool(check_everything(evidence)) is wrong


def test_a_decision_that_was_sent_again_while_it_was_under_way() -> None:
    evidence = decided(ANA, BEN)
    evidence.crews.repeated.append((FIRST, (12, 14)))
    assert "again after 2.0 s, with no doubt" in check_everything(evidence)[0]
    evidence.ledger.outages.append(Outage(13, 15))
    assert not check_everything(evidence)


def test_a_card_that_is_posted_after_a_newer_output_was_announced() -> None:
    evidence = decided(ANA, BEN)
    evidence.crews.announced[SECOND] = 10
    evidence.ledger.posted["r-1"] = 14
    assert "came 4 s after its end" in check_everything(evidence)[0]


def test_a_round_that_was_over_before_it_had_a_card() -> None:
    superseded = replace(TIMED, state=State.SUPERSEDED, decided_by=None, is_approve=None)
    evidence = evidence_of(superseded, Ledger())
    evidence.crews.applied.clear()
    evidence.cards.clear()
    assert not check_everything(evidence)

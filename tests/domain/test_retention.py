"""The parts of a round that stay once its texts are removed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.audit import without_texts
from crewgate.domain.notification import Question
from crewgate.domain.parsers import InvalidSetting, parse_retention
from crewgate.domain.reason import Dismissed, EditedBy, ExecutionGone, RefusedByCrew, TakenAs
from crewgate.domain.review import State
from crewgate.domain.verdict import Answer, Approve, Revise, Verdict
from tests.builders import ANA, BEN, NOW, a_decision, a_round, a_vote

LATER = NOW + timedelta(days=90)
QUESTION = Question(request_id="8412", message="Publish?", outcomes=("approved",))


@pytest.mark.parametrize(
    ("verdict", "left"),
    [
        (Approve("Fine."), Approve()),
        (Revise("Shorter."), Revise("")),
        (Answer("approved", is_label=True), Answer("approved", is_label=True)),
        (Answer("Do it."), Answer("")),
    ],
)
def test_a_decision_stays_without_its_words(verdict: Verdict, left: Verdict) -> None:
    decision = a_decision(verdict, votes=(a_vote(comment="Hm."), a_vote(BEN, answer="approved")))
    round_ = a_round(
        State.RESUMED,
        decision=decision,
        subject=QUESTION,
        votes=(a_vote(comment="Hm."), a_vote(BEN, answer="in words")),
        salt="salt",
    )
    wiped = without_texts(round_, LATER)
    assert wiped.decision == replace(
        decision, verdict=left, votes=(a_vote(), a_vote(BEN, answer="approved"))
    )
    assert wiped.subject == replace(QUESTION, message="")
    assert wiped.votes == (a_vote(), a_vote(BEN, answer=""))
    assert (wiped.digest, wiped.salt, wiped.removed_at) == ("", "", LATER)


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        (Dismissed(ANA, "No use."), Dismissed(ANA, "")),
        (RefusedByCrew("404", "gone"), RefusedByCrew("404", "")),
        (TakenAs("approved", "Thanks."), TakenAs("approved", "")),
        (TakenAs("As Ana says", "Thanks."), TakenAs("", "")),
        (EditedBy(ANA), EditedBy(ANA)),
    ],
)
def test_a_reason_stays_without_anybody_s_words(reason: Dismissed, left: Dismissed) -> None:
    wiped = without_texts(a_round(State.CLOSED, reason=reason, subject=QUESTION), LATER)
    assert (wiped.reason, wiped.decision) == (left, None)


def test_a_round_without_its_text_is_not_reopened() -> None:
    gone = a_round(State.CLOSED, reason=ExecutionGone())
    assert gone.can_reopen
    wiped = without_texts(gone, LATER)
    assert (wiped.can_reopen, wiped.can_dismiss, wiped.may_be_sent) == (False, False, False)


@pytest.mark.parametrize(("raw", "days"), [("90d", 90), (" 7 D ", 7), ("3650d", 3650)])
def test_a_retention_is_in_days(raw: str, days: int) -> None:
    assert parse_retention(raw) == timedelta(days=days)


def test_a_crew_may_keep_its_texts_where_others_do_not() -> None:
    assert parse_retention(" For ever") is None


@pytest.mark.parametrize("raw", ["0d", "12h", "90", 90, "", "4wh", "100000d", "-1d"])
def test_anything_else_is_no_retention(raw: object) -> None:
    with pytest.raises(InvalidSetting, match=r'put one like "90d" here'):
        parse_retention(raw)

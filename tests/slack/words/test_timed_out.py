"""A decision that a rule made is never shown as a person's."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from crewgate.domain.errors import AlreadyDecided
from crewgate.domain.execution import ExecutionState
from crewgate.domain.reason import Answered, Dismissed, NeverSent, RefusedByCrew
from crewgate.domain.review import State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.verdict import Approve, Decision, Revise, TimedOut, Via
from crewgate.slack.executions import render_end
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.notices import render_stuck_notice
from crewgate.slack.reviews.standing import earlier_feedback
from crewgate.slack.words import people, states
from crewgate.slack.words.names import PLAIN
from crewgate.slack.words.refusals import explain
from crewgate.usecases.read_models import ExecutionPosting
from tests.builders import ANA, LATER, NOW, a_round, an_execution, an_output
from tests.slack.rendering import a_view, read, shown

BY = TimedOut("two <eyes>", Duration(timedelta(days=3)))
SENT_BACK = Decision(verdict=Revise("Stop."), by=BY, at=NOW, via=Via.RULE)
APPROVED = Decision(verdict=Approve(), by=BY, at=NOW, via=Via.RULE)
REFUSED = RefusedByCrew("401", "no")
SO = "Not decided within 3 days; the rule “two &lt;eyes&gt;”"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": State.DECIDED, "decision": SENT_BACK}, "Draft went back: nobody"),
        (
            {"state": State.RESUMED, "decision": APPROVED, "reason": Answered()},
            "approved by its rule: nobody",
        ),
        (
            {"state": State.STUCK, "decision": SENT_BACK, "reason": REFUSED},
            "The revision request for",
        ),
        ({"state": State.CLOSED, "decision": APPROVED, "reason": NeverSent()}, "was not sent"),
    ],
)
def test_a_card_names_the_rule_and_nobody(changes: dict[str, Any], said: str) -> None:
    round_ = a_round(**changes)
    shown = read(render_card(a_view(**changes), now=LATER))
    assert said in shown
    assert "<@" not in shown
    for line in (
        states.in_list(round_, LATER),
        states.in_full(round_),
    ):
        assert "two &lt;eyes&gt;" in line


@pytest.mark.parametrize("decision", [SENT_BACK, APPROVED])
def test_whoever_comes_later_is_told(decision: Decision) -> None:
    error = AlreadyDecided(decision)
    explained = partial(explain, error, now=LATER, in_slack=lambda named: named)
    assert explained().startswith(SO)
    assert "two <\u2060eyes>" in explained(PLAIN)


def test_its_words_stand_above_the_next_round() -> None:
    asked = earlier_feedback(a_round(State.RESUMED, decision=SENT_BACK))
    assert shown(asked) == "In round 1 the rule “two &lt;eyes&gt;” sent it back:Stop."


@pytest.mark.parametrize("reason", [REFUSED, None])
def test_the_thread_is_told_when_it_did_not_arrive(reason: RefusedByCrew | None) -> None:
    notice = render_stuck_notice(a_round(State.STUCK, decision=SENT_BACK, reason=reason))
    assert notice is not None
    assert "It was not decided in time, so the rule “two &lt;eyes&gt;” decided: its" in read(notice)


def test_so_it_is_when_somebody_dismissed_it() -> None:
    closed = a_round(State.CLOSED, decision=APPROVED, reason=Dismissed(ANA, "Again."))
    notice = render_stuck_notice(closed)
    assert notice is not None
    assert "<@U0ANA> dismissed its decision" in read(notice)


def test_it_is_kept_as_nobody_s() -> None:
    assert people.decision_is_kept(APPROVED, ()).startswith("What the rule “two")


def test_a_result_that_a_rule_approved_says_so() -> None:
    approved = a_round(State.RESUMED, decision=APPROVED)
    execution = an_execution(state=ExecutionState.COMPLETED, result=an_output(), ended_at=NOW)
    posting = ExecutionPosting(
        execution=execution, progress_message=None, channel=None, thread_ts=None, approved=approved
    )
    assert "which the rule “two &lt;eyes&gt;” approved" in read(render_end(posting))

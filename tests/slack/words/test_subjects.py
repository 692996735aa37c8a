"""Each type of subject has its wording, and a further type costs a class and its wording."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, cast, get_args

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.answering import verdict_of_time
from crewgate.domain.asked import Asked
from crewgate.domain.notification import Question
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Rule, TimeOut, TimeoutAction
from crewgate.domain.subjects import Subject, Work
from crewgate.domain.verdict import Approve
from crewgate.slack.reviews.card import render_card
from crewgate.slack.words import cards, decisions, states
from crewgate.slack.words.subjects import WORDINGS
from tests.builders import NOW, a_review, a_round
from tests.slack.rendering import a_view, read


def test_each_subject_has_its_wording() -> None:
    assert set(WORDINGS) == set(get_args(Subject))


@pytest.mark.parametrize(
    ("round_", "says"),
    [
        (a_round(), "Draft is ready for review"),
        (a_round(subject=Question(request_id="1")), "Draft asks for an answer"),
        (
            a_round(subject=Question(request_id=""), review=a_review(agent="Painter")),
            "Painter asks for an answer",
        ),
        (a_round(subject=Question(request_id="")), "Draft asks for an answer"),
        (a_round(subject=ToolCall("send")), "wants to use"),
    ],
)
def test_a_headline_says_who_asks(round_: Round, says: str) -> None:
    assert says in states.headline(round_, "")


@dataclass(frozen=True, slots=True)
class Plan(Asked):
    """A subject that the product does not know."""

    stored_as: ClassVar = "plan"
    has_text: ClassVar = True


PLAN = cast("Subject", Plan())


@pytest.fixture
def _plans_have_words(monkeypatch: pytest.MonkeyPatch) -> None:
    wording = replace(WORDINGS[Work], headline="has a plan", please="please look at the plan")
    monkeypatch.setitem(cast("dict[Any, Any]", WORDINGS), Plan, wording)


@pytest.mark.usefixtures("_plans_have_words")
def test_a_further_subject_has_a_card_in_each_state() -> None:
    for state in State:
        shown = read(render_card(a_view(state=state, subject=PLAN), now=NOW))
        assert ("Draft has a plan" in shown) is (state is State.WAITING)


@pytest.mark.usefixtures("_plans_have_words")
def test_people_are_told_of_a_further_subject_what_the_buttons_do() -> None:
    round_ = a_round(subject=PLAN)
    says = "Approve: the crew goes on. Revise sends it back with your words."
    assert cards.what_buttons_do(round_) == says
    several = replace(round_, rule=Rule(name="two", approvals=2))
    assert decisions.waits("Draft", several) == "Draft needs 2 approvals"


def test_time_approves_a_further_subject() -> None:
    timeout = TimeOut(Duration(timedelta(hours=1)), TimeoutAction.APPROVE)
    assert verdict_of_time(timeout, PLAN, sent_back=0) == Approve()

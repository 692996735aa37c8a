"""Several who approve what a flow asks: what each chose, and what the flow is sent."""

from __future__ import annotations

import pytest

from crewgate.domain.answering import answer_in, choice_of, combined_answer
from crewgate.domain.errors import VotedOtherwise
from crewgate.domain.question import Question
from crewgate.domain.review import State
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Answer, Approve
from tests.builders import ANA, BEN, a_round, a_vote

LABEL = Answer("approved", is_label=True)
QUESTION = Question(request_id="8412", outcomes=("approved", "lgtm", "publish"))


def test_those_who_vote_choose_the_same() -> None:
    publish = Answer("publish", is_label=True)
    assert (answer_in(publish), answer_in(LABEL)) == ("publish", LABEL.text)
    assert (answer_in(Answer(" ok.")), answer_in(Approve())) == (None, None)
    assert answer_in(Answer("Publish it.")) == "Publish it."
    votes = (a_vote(answer="publish"), a_vote(answer=LABEL.text), a_vote())
    assert list(map(choice_of, votes)) == ["publish", None, None]
    waiting = a_round(question=QUESTION, rule=Rule(name="two eyes", approvals=2))
    once = waiting.approve(a_vote(ANA, answer="publish"), publish).round
    with pytest.raises(VotedOtherwise) as refused:
        once.approve(a_vote(BEN, answer=LABEL.text), LABEL)
    assert refused.value.vote == a_vote(ANA, answer="publish")
    assert once.approve(a_vote(BEN, answer="publish"), publish).round.state is State.DECIDED


def test_beside_an_outcome_words_that_approve_are_that_outcome() -> None:
    """A model would read the words, and may choose another one."""
    words, lgtm = Answer("ok"), Answer("lgtm", is_label=True)
    before = (a_vote(ANA, answer="approved"), a_vote(answer="lgtm"), a_vote(BEN))
    assert combined_answer(before, words) == lgtm
    assert combined_answer(before, LABEL) == LABEL
    assert combined_answer((a_vote(ANA),), words) == words
    assert combined_answer(before, Approve()) is None
    others = Answer("Publish it.")
    assert combined_answer((a_vote(ANA, answer=others.text),), others) == others

"""Each type of subject has its wording."""

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import Question
from crewgate.domain.review import Round
from crewgate.slack.words import states
from tests.builders import a_review, a_round


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

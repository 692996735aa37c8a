"""The wording of each type of subject: what it is called, and what people do with it.

`{asker}` is the crew or the flow that asked. Sentences about decisions are in `decisions`.
"""

from dataclasses import dataclass
from typing import Final, assert_never

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import Question
from crewgate.domain.review import Round
from crewgate.domain.subjects import Subject, Work

REVISE: Final = "Revise"
REFUSE: Final = "Refuse"
IN_WORDS: Final = "Answer in words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words about the rounds of one type of subject."""

    headline: str
    """The end of a waiting card's headline, which begins with the task or the asker."""
    waits_for: str
    please: str
    in_own_words: str
    """The button for words of one's own, which opens a form."""
    form_label: str
    form_submit: str
    form_says: str
    """The receiver of the form's words, and the next step."""
    goes_on: str = ""
    """The effect of Approve, which holds for the time `{within}`."""
    words_do: str = ""
    """The effect of words of one's own, where people may also approve."""
    then: str = ""
    """The next step once several have approved."""
    refused_by_time: str
    approved_by_time: str
    content: str = "The output"
    """The heading above what is put to people."""
    own_content: str = "your text"
    edited: str = "edited this text: {following}"
    wrote: str = "wrote"


_WORK: Final = Wording(
    headline="is ready for review",
    waits_for="a decision",
    please="please decide",
    in_own_words=REVISE,
    form_label="What should change?",
    form_submit="Send revision",
    form_says="The crew gets exactly what you write here and does the task again.",
    goes_on="Approve: the crew goes on.",
    words_do="Revise sends it back with your words.",
    refused_by_time="goes back to the crew",
    approved_by_time="is approved by the rule",
)
_QUESTION: Final = Wording(
    headline="asks for an answer",
    waits_for="an answer",
    please="please answer",
    in_own_words=IN_WORDS,
    form_label="Your answer",
    form_submit="Send answer",
    form_says="The {asker} gets exactly what you write here.",
    refused_by_time="is answered in the rule's words",
    approved_by_time="is answered by the rule",
)
_CALL: Final = Wording(
    headline="wants to use",
    waits_for="a decision",
    please="please decide",
    in_own_words=REFUSE,
    form_label="Why not?",
    form_submit="Refuse",
    form_says="The agent gets exactly what you write here, and goes on without this call.",
    goes_on="Approve lets it run once, with these arguments, within {within}.",
    words_do="Refuse tells the agent why.",
    then=" Then it runs once, with these arguments, within {within}.",
    refused_by_time="is refused by the rule",
    approved_by_time="is approved by the rule",
    content="The arguments",
    own_content="your arguments",
    edited="gave other arguments",
    wrote="changed the arguments in",
)


def wording(round_: Round) -> Wording:
    return wording_of(round_.subject)


def wording_of(subject: Subject) -> Wording:
    match subject:
        case Work():
            return _WORK
        case Question():
            return _QUESTION
        case ToolCall():
            return _CALL
        case _:
            assert_never(subject)

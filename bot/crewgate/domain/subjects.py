"""The subjects of rounds: the work of a task, a question, or a call of a tool.

The words about each subject are in `slack.words.subjects`.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, assert_never

from crewgate.domain.acts import ToolCall
from crewgate.domain.asked import Asked
from crewgate.domain.notification import Question


@dataclass(frozen=True, slots=True)
class Work(Asked):
    """The output of a crew's task, to be approved or revised."""

    stored_as: ClassVar = "work"
    takes_answers: ClassVar = False
    has_text: ClassVar = True
    has_arguments: ClassVar = False
    is_act: ClassVar = False


Subject = Work | Question | ToolCall

WORK: Final = Work()


def call_of(subject: Subject) -> ToolCall | None:
    """Return the call that rules look at; None for work and questions, which have no tool."""
    match subject:
        case ToolCall():
            return subject
        case Work() | Question():
            return None
        case _:
            assert_never(subject)


def question_of(subject: Subject) -> Question | None:
    """Return the question, with its message and its labels; None for work and calls."""
    match subject:
        case Question():
            return subject
        case Work() | ToolCall():
            return None
        case _:
            assert_never(subject)

"""The subjects of rounds: the work of a task, a question, or a call of a tool.

The words about each subject are in `slack.words.subjects`.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from crewgate.domain.acts import ToolCall
from crewgate.domain.asked import Asked
from crewgate.domain.notification import Question


@dataclass(frozen=True, slots=True)
class Work(Asked):
    """The output of a crew's task, to be approved or revised."""

    stored_as: ClassVar = "work"
    has_text: ClassVar = True


Subject = Work | Question | ToolCall

WORK: Final = Work()


def call_of(subject: Subject) -> ToolCall | None:
    """Return the call that rules look at; None for any other subject."""
    return subject if isinstance(subject, ToolCall) else None

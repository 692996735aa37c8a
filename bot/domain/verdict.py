"""A verdict, and the decision that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: What a crew is told when the reviewer approves and writes nothing. All feedback becomes context
#: for the crew, so this is fixed and short.
APPROVED = "Approved."

#: The most a reviewer can write; the limit of Slack's `plain_text_input`.
FEEDBACK_LIMIT = 3_000


@dataclass(frozen=True, slots=True)
class Approve:
    """Go on with the next task, with a comment for the crew or without."""

    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Revise:
    """Do the task again, with this feedback, verbatim."""

    feedback: str


Verdict = Approve | Revise


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Slack: the user id that counts, and a name for places that cannot mention."""

    id: str
    name: str


class Via(StrEnum):
    """Through what a decision was given."""

    BUTTON = "button"
    MODAL = "modal"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, by whom, when and through what."""

    verdict: Verdict
    by: Person
    at: datetime
    via: Via
    unsent_notes: int = 0
    """How many notes waited when it was approved; an approval sends none of them."""

    @property
    def is_approve(self) -> bool:
        """What `/resume` calls `is_approve`."""
        return isinstance(self.verdict, Approve)

    @property
    def human_feedback(self) -> str:
        """What `/resume` calls `human_feedback`: exactly what the reviewer chose to send."""
        match self.verdict:
            case Approve(comment):
                return comment or APPROVED
            case Revise(feedback):  # pragma: no branch  # there is no third
                return feedback

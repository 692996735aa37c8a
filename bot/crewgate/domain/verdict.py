"""A verdict, and the decision that carries it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from crewgate.domain.people import UserGroup
from crewgate.domain.rules.duration import Duration

#: The feedback of an approval without a comment; fixed and short, for the crew reads all feedback.
APPROVED = "Approved."

#: The longest feedback, in characters; the limit of Slack's `plain_text_input`.
FEEDBACK_LIMIT = 3_000


@dataclass(frozen=True, slots=True)
class Approve:
    """Go on with the next task, with or without a comment for the crew."""

    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Revise:
    """Do the task again, with this feedback, verbatim."""

    feedback: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a flow or a hook: exactly one of a flow's labels, or words.

    A flow maps words to a label; a hook takes them as they are.
    """

    text: str
    is_label: bool = False
    to_crew: bool = False


Verdict = Approve | Revise | Answer


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Slack: the user id, and a name for places that cannot mention."""

    id: str
    name: str


class Via(StrEnum):
    """The way in which a decision was given."""

    BUTTON = "button"
    MODAL = "modal"
    THREAD = "thread"
    EDIT = "edit"
    """The person rewrote the output: an exact revision, or an approval of the new text."""
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody decided in time, so the rule did: never shown or logged as a person."""

    rule: str
    after: Duration


@dataclass(frozen=True, slots=True)
class ByRule:
    """A rule allowed or refused a call without a person: never shown or logged as one."""

    rule: str


Decider = Person | TimedOut | ByRule


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's approval of a round that needs several."""

    by: Person
    at: datetime
    via: Via
    comment: str | None = None
    on_behalf_of: Person | None = None
    """The absent person whose delegate voted, without a right of their own."""
    answer: str | None = None
    """The label or words chosen for a flow; None for words that only approve."""
    groups: tuple[UserGroup, ...] = ()
    """The voter's groups of `approvals_from` at the last count; the vote counts for the first."""
    shown_little: int | None = None
    """The percentage of the output that the voter was shown, if it was low."""

    @property
    def right(self) -> Person:
        return self.on_behalf_of or self.by

    @property
    def group(self) -> UserGroup | None:
        return self.groups[0] if self.groups else None

    @property
    def voices(self) -> frozenset[str]:
        """The ids of the voter and of the absent person: each counts once."""
        stood_in = () if self.on_behalf_of is None else (self.on_behalf_of.id,)
        return frozenset((self.by.id, *stood_in))


def voices_of(votes: Iterable[Vote]) -> frozenset[str]:
    return frozenset(voice for vote in votes for voice in vote.voices)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its author, time and way.

    Several approvals make one decision, by the last author, with all comments.
    """

    verdict: Verdict
    by: Decider
    at: datetime
    via: Via
    unsent_notes: int = 0
    votes: tuple[Vote, ...] = ()
    on_behalf_of: Person | None = None
    shown_little: int | None = None

    @property
    def is_approve(self) -> bool:
        return isinstance(self.verdict, Approve)

    @property
    def decider(self) -> str:
        return self.by.id if isinstance(self.by, Person) else "a rule"

    def is_by(self, user: str) -> bool:
        return isinstance(self.by, Person) and self.by.id == user

    @property
    def human_feedback(self) -> str:
        """The `human_feedback` of `/resume`: exactly the text that the reviewers chose to send."""
        match self.verdict:
            case Approve(comment):
                return comment or APPROVED
            case Revise(feedback) | Answer(feedback):
                return feedback
            case _:
                assert_never(self.verdict)


def decision_of_votes(votes: tuple[Vote, ...], *, unsent_notes: int) -> Decision:
    last = votes[-1]
    comment, several = last.comment, len(votes) > 1
    if several:
        written = [f"{vote.by.name}: {vote.comment}" for vote in votes if vote.comment]
        comment = "\n\n".join(written) or None
    return Decision(
        Approve(comment),
        last.by,
        last.at,
        last.via,
        unsent_notes,
        votes if several else (),
        last.on_behalf_of,
        last.shown_little,
    )

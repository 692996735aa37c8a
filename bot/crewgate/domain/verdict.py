"""A verdict, and the decision that carries it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Then, TimeOut

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a flow is told: one of its own outcomes, exactly, or words that it makes one of."""

    text: str
    is_label: bool = False


Verdict = Approve | Revise | Answer


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
    RULE = "rule"
    """Through nothing: the rule itself decided."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody decided in time, so the rule did: never shown or logged as a person."""

    rule: str
    """Its name."""
    after: Duration
    """How long it had waited."""


Decider = Person | TimedOut


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's approval of a round that needs several."""

    by: Person
    at: datetime
    via: Via
    comment: str | None = None
    on_behalf_of: Person | None = None
    """Whom they stood in for, where they may not decide themselves."""
    answer: str | None = None
    """The outcome or words that they chose for a flow; None of words that only approve."""

    @property
    def voices(self) -> frozenset[str]:
        """The people, by id, whose approval this is; nobody's counts twice."""
        stood_in = () if self.on_behalf_of is None else (self.on_behalf_of.id,)
        return frozenset((self.by.id, *stood_in))


def voices_of(votes: Iterable[Vote]) -> frozenset[str]:
    """The people, by id, who have approved, or for whom somebody has."""
    return frozenset(voice for vote in votes for voice in vote.voices)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, by whom, when and through what.

    Where several approvals are needed it is by who gave the last one, and its comment is all of
    theirs.
    """

    verdict: Verdict
    by: Decider
    at: datetime
    via: Via
    unsent_notes: int = 0
    """How many notes waited when it was approved; an approval sends none of them."""
    votes: tuple[Vote, ...] = ()
    """The approvals that made it, where it takes several."""
    on_behalf_of: Person | None = None
    """Whom they stood in for, where they may not decide themselves."""

    @property
    def is_approve(self) -> bool:
        """What `/resume` calls `is_approve`."""
        return isinstance(self.verdict, Approve)

    @property
    def decider(self) -> str:
        """Who decided, for logs: a person's id, or that it was a rule."""
        return self.by.id if isinstance(self.by, Person) else "a rule"

    def is_by(self, user: str) -> bool:
        """Whether this person decided, and not somebody else or a rule."""
        return isinstance(self.by, Person) and self.by.id == user

    @property
    def human_feedback(self) -> str:
        """What `/resume` calls `human_feedback`: exactly what the reviewers chose to send."""
        match self.verdict:
            case Approve(comment):
                return comment or APPROVED
            case Revise(feedback) | Answer(feedback):  # pragma: no branch  # there is no fourth
                return feedback


def decision_of_votes(votes: tuple[Vote, ...], *, unsent_notes: int) -> Decision:
    """What the last of these approvals decides, with what all of them chose to tell the crew."""
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
    )


def decision_of_time(rule: str, timeout: TimeOut, at: datetime) -> Decision | None:
    """What a rule of this name decides when nobody did; None: it leaves it."""
    by = TimedOut(rule, timeout.after)
    match timeout.then:
        case Then.REVISE:
            return Decision(Revise(timeout.feedback), by, at, Via.RULE)
        case Then.APPROVE:
            return Decision(Approve(), by, at, Via.RULE)
        case Then.LEAVE:  # pragma: no branch  # there is no fourth
            return None

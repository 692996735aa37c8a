"""Why a round is where it is: types, for code to tell apart. Sentences are made in `slack`.

| state   | reason                                               |
| ------- | ---------------------------------------------------- |
| DECIDED | none yet, NotReached, AnswerLost                     |
| RESUMED | Answered, Inferred, TakenAs                          |
| STUCK   | RefusedByCrew, RetriesExhausted, none: reopened      |
| CLOSED  | NeverSent, Dismissed, ExecutionEnded, -Failed, -Gone |
|         | AnsweredElsewhere, PerhapsTaken, RequestGone         |

WAITING and SUPERSEDED have none: the state says all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.verdict import Person


@dataclass(frozen=True, slots=True)
class NotReached:
    """The last try surely did not reach the crew; it is tried again."""

    why: str


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """The answer to the last try was lost, so it may have taken effect."""

    why: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The crew said that it took the decision, in its own words."""

    words: str = ""
    status: ResumeStatus | None = None
    """What the crew said that the resume did, where it said so."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """The crew has gone on, which it can only have done because it took the decision."""


@dataclass(frozen=True, slots=True)
class TakenAs:
    """The flow took the answer and made this outcome of it; empty where it did not say which."""

    outcome: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredElsewhere:
    """The flow has an answer that is surely not ours; `words` are its own."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class PerhapsTaken:
    """The flow has an answer: ours, for what came of sending it was lost, or somebody else's."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class RequestGone:
    """The flow does not know the request any more: its HTTP status and its own words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class RefusedByCrew:
    """The crew said no: its HTTP status and its own words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class RetriesExhausted:
    """It was tried for about a day; `why` is what came of the last try."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverSent:
    """A newer output came before the decision was sent, so it must not be sent any more."""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """A person gave it up, and said why."""

    by: Person
    why: str


@dataclass(frozen=True, slots=True)
class ExecutionEnded:
    """The execution ran to its end."""

    while_waiting: bool = False
    """Only its status said so, while it waited for a person: people may know better."""


@dataclass(frozen=True, slots=True)
class ExecutionFailed:
    """The execution failed; `error` is the crew's own account, empty where it gave none."""

    error: str = ""
    while_waiting: bool = False
    """The same."""


@dataclass(frozen=True, slots=True)
class ExecutionGone:
    """The crew does not know the execution any more."""


WHY_LIMIT: Final = 300
"""The most that a person can write as the reason of a dismissal, in characters."""

ExecutionOver = ExecutionEnded | ExecutionFailed | ExecutionGone
"""Why there is nothing left to decide or to retry in an execution."""

Reason = (
    NotReached
    | AnswerLost
    | Answered
    | Inferred
    | TakenAs
    | AnsweredElsewhere
    | PerhapsTaken
    | RequestGone
    | RefusedByCrew
    | RetriesExhausted
    | NeverSent
    | Dismissed
    | ExecutionOver
)

#: What the crew says of this one execution, in HTTP statuses: nothing that an operator can mend.
_OF_THE_EXECUTION: Final = frozenset({"400", "404"})


def needs_an_operator(reason: Reason | None) -> bool:
    """Whether somebody has to mend the bot, the crew or the way between them."""
    match reason:
        case RefusedByCrew(code, _):
            return code not in _OF_THE_EXECUTION
        case _:
            return isinstance(reason, RetriesExhausted)


def only_status_said(reason: Reason | None) -> bool:
    """True for an end of the execution that nothing but the crew's answer to a poll shows."""
    match reason:
        case ExecutionEnded(while_waiting) | ExecutionFailed(while_waiting=while_waiting):
            return while_waiting
        case _:
            return isinstance(reason, ExecutionGone)

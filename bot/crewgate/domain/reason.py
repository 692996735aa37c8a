"""The reasons of a round's state, as types that code tells apart. `slack` makes the sentences.

| state   | reason                                               |
| ------- | ---------------------------------------------------- |
| DECIDED | none yet, NotReached, AnswerLost, NotFetched         |
| RESUMED | Answered, Inferred, TakenAs, Fetched                 |
| STUCK   | RefusedByCrew, NotCalled, RetriesExhausted,          |
|         | NotFetched, none: reopened                           |
| CLOSED  | NeverSent, Dismissed, ExecutionEnded, -Failed, -Gone |
|         | AnsweredElsewhere, PerhapsTaken, RequestGone,        |
|         | TimeOver, Withdrawn, Expired, RanEarlier             |

SUPERSEDED has EditedBy if a person's own text took the round's place. Otherwise SUPERSEDED has no
reason, and WAITING never has. CLOSED has none if an unapproved call ran: its result says so.
"""

from dataclasses import dataclass
from typing import Final

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.verdict import Person

#: The fields of reasons with words from outside, stored in the column `reason_words`. Any other
#: field is stored in `reason_code`. So no class has two fields for one column.
WORDS: Final = frozenset({"error", "why", "words"})


@dataclass(frozen=True, slots=True)
class NotReached:
    """The last try surely did not reach the crew; it is tried again."""

    why: str


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """The answer to the last try was lost, so it may have taken effect."""

    why: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The crew said that it took the decision, in its own words."""

    words: str = ""
    status: ResumeStatus | None = None


@dataclass(frozen=True, slots=True)
class Inferred:
    """The crew has gone on, which it can only have done because it took the decision."""


@dataclass(frozen=True, slots=True)
class TakenAs:
    """The flow turned the answer into this label; empty if it did not say which."""

    label: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class NotFetched:
    """The asker fetches the decision, and has not fetched it yet."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The asker has fetched the decision, and may fetch it again."""


@dataclass(frozen=True, slots=True)
class AnsweredElsewhere:
    """The flow has an answer that is surely not ours; `words` are the flow's."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class PerhapsTaken:
    """The flow has an answer: ours, if ours arrived although the receipt was lost, or another."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class RequestGone:
    """The flow no longer knows the request: its HTTP status and its own words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class TimeOver:
    """The flow's own time is over, and it goes on without an answer."""


@dataclass(frozen=True, slots=True)
class RefusedByCrew:
    """The crew refused: its HTTP status and its own words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class NotCalled:
    """The bot itself sent nothing, for it may not or cannot: a code and words of our own."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class RetriesExhausted:
    """All tries of about a day failed; `why` is the cause of the last failure."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverSent:
    """A newer output came before the decision was sent, so it must never be sent."""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """A person gave the round up, for this reason."""

    by: Person
    why: str


@dataclass(frozen=True, slots=True)
class EditedBy:
    """This person's own text replaced the output."""

    by: Person


@dataclass(frozen=True, slots=True)
class ExecutionEnded:
    """The execution ran to its end."""

    while_waiting: bool = False
    """Only a status poll said so while the execution waited for a person."""


@dataclass(frozen=True, slots=True)
class ExecutionFailed:
    """The execution failed; `error` is the crew's own account, empty if it gave none."""

    error: str = ""
    while_waiting: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionGone:
    """The crew no longer knows the execution."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The crew no longer asks: its own words say why. A call did not run and never will."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class Expired:
    """The decision on a call ended before it was known to be taken: people are asked anew."""


@dataclass(frozen=True, slots=True)
class RanEarlier:
    """The call ran by the approval of an earlier round; the result of the call has more."""


WHY_LIMIT: Final = 300

ExecutionOver = ExecutionEnded | ExecutionFailed | ExecutionGone

Reason = (
    NotReached
    | AnswerLost
    | Answered
    | Inferred
    | TakenAs
    | NotFetched
    | Fetched
    | AnsweredElsewhere
    | PerhapsTaken
    | RequestGone
    | TimeOver
    | RefusedByCrew
    | NotCalled
    | RetriesExhausted
    | NeverSent
    | Dismissed
    | EditedBy
    | ExecutionOver
    | Withdrawn
    | Expired
    | RanEarlier
)

#: HTTP statuses that concern one execution only: an operator could fix nothing.
_OF_THE_EXECUTION: Final = frozenset({"400", "404"})


def needs_an_operator(reason: Reason | None) -> bool:
    """Return True if somebody has to fix the bot, the crew or the connection between them."""
    match reason:
        case RefusedByCrew(code, _):
            return code not in _OF_THE_EXECUTION
        case _:
            return isinstance(reason, NotCalled | RetriesExhausted)


def only_status_said(reason: Reason | None) -> bool:
    """Return True for an end of the execution that only a poll of the crew's status shows."""
    match reason:
        case ExecutionEnded(while_waiting) | ExecutionFailed(while_waiting=while_waiting):
            return while_waiting
        case _:
            return isinstance(reason, ExecutionGone)

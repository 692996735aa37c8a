"""The states of a round as people see them: the one place that tells them apart.

`state_strings` has the words for each.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from crewgate.domain.notification import Reading, reading_of
from crewgate.domain.reason import EditedBy, Reason, TakenAs
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Decision, Person
from crewgate.slack import icons


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody has to decide."""

    since: datetime
    approved: int = 0
    """The number of approvals so far, where it takes several."""
    needed: int = 1
    """The number of approvals it takes."""


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """Decided, and the crew does not know yet; `reason` is why the last try failed."""

    decision: Decision
    reason: Reason | None
    since: datetime | None = None
    """The time of the first try that may have taken effect."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The crew has taken the decision."""

    decision: Decision
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """The crew could not be told; a person must act."""

    decision: Decision
    reason: Reason | None
    may_be_taken: bool
    """A try was made, and nobody knows if it took effect."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer output came before anybody decided."""

    by: int
    """The number of the round that takes its place."""
    edited_by: Person | None = None
    """The author of that round's text, if it is not the crew's."""


@dataclass(frozen=True, slots=True)
class Closed:
    """There is nothing left to decide or to send."""

    decision: Decision | None
    reason: Reason | None
    next_number: int
    may_be_taken: bool
    """The decision was sent, and nobody knows if it took effect."""
    can_reopen: bool
    """The crew did not know the execution; people may know better."""


Presentation = Waiting | OnItsWay | Taken | Stuck | Superseded | Closed


def icon(shown: Presentation) -> str:  # noqa: PLR0911  # a table
    match shown:
        case Waiting():
            return icons.WAITING
        case OnItsWay():
            return icons.SENDING
        case Taken(Decision(verdict=Answer() as verdict), reason):
            return _icon_of_answer(verdict, reason)
        case Taken(decision):
            return icons.APPROVED if decision.is_approve else icons.CHANGES_ASKED
        case Stuck():
            return icons.NOT_DELIVERED
        case Superseded():
            return icons.REPLACED
        case Closed():
            return icons.CLOSED
        case _:
            assert_never(shown)


def _icon_of_answer(verdict: Answer, reason: Reason | None) -> str:
    """By the outcome that the flow made of it, where it said which."""
    label = verdict.text if verdict.is_label else ""
    outcome = reason.label if isinstance(reason, TakenAs) else ""
    return _ICONS.get(reading_of(outcome or label), icons.ANSWERED)


_ICONS = {
    Reading.APPROVAL: icons.APPROVED,
    Reading.REJECTION: icons.REJECTED,
    Reading.REVISION: icons.CHANGES_ASKED,
}


def present(round_: Round) -> Presentation:
    match round_.state, round_.decision:
        case State.WAITING, _:
            return Waiting(round_.opened_at, len(round_.votes), round_.approvals)
        case State.SUPERSEDED, _:
            by = round_.reason.by if isinstance(round_.reason, EditedBy) else None
            return Superseded(round_.number + 1, by)
        case State.DECIDED, Decision() as decision:
            return OnItsWay(decision, round_.reason, round_.in_doubt_since)
        case State.RESUMED, Decision() as decision:
            return Taken(decision, round_.reason)
        case State.STUCK, Decision() as decision:
            return Stuck(decision, round_.reason, may_be_taken=round_.in_doubt)
        case _:
            return Closed(
                round_.decision,
                round_.reason,
                next_number=round_.number + 1,
                may_be_taken=round_.in_doubt,
                can_reopen=round_.can_reopen,
            )

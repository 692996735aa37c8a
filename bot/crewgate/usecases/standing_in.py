"""The right by which a person decides: their own first, else that of somebody who is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from crewgate.domain.errors import NotPermitted
from crewgate.domain.people import Email, Role
from crewgate.domain.review import Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person, Vote
from crewgate.usecases import permissions
from crewgate.usecases.ports.base import Crews
from crewgate.usecases.ports.slack import Directory

Absences: TypeAlias = Callable[[str], Awaitable[tuple[Absence, ...]]]
"""Look up the absences whose delegate is a person, by id, now."""


Asked: TypeAlias = frozenset[str | Email]
"""The users, by id, and the addresses about which Slack was asked already."""


class NeedsLookup(Exception):  # nobody is told of it
    """Memory does not tell something that Slack can: about a user, by id, or an address.

    Slack is never asked in a transaction: leave it, ask, and begin anew.
    """

    def __init__(self, about: str | Email, round_: Round) -> None:
        super().__init__()
        self.about = about
        self.round = round_


async def entitled(
    user: str,
    round_: Round,
    absences: Absences,
    *,
    asked: Asked,
    crews: Crews,
    directory: Directory,
) -> tuple[Person | None, ...]:
    """Return the people by whose right a person may decide on a round; None is their own right.

    Otherwise they are the people who are away, made this person their delegate and may decide by
    their own right, unless the round's rule forbids it or the delegate is no longer a colleague.
    So a delegate cannot delegate further. Answered from memory and the database.

    Raises NotAReviewer or UnknownCrew, or NeedsLookup of somebody about whom Slack was not `asked`.
    """
    try:
        permissions.require(user, Role.REVIEWER, round_, crews=crews, directory=directory)
    except NotPermitted as refused:
        if not delegable(round_):
            raise
        may = {
            absence.away: _may(absence.away.id, round_, asked, crews=crews, directory=directory)
            for absence in await absences(user)
        }
        found = tuple(away for away, may_decide in may.items() if may_decide)
        is_colleague = bool(found) and _is_colleague(user, round_, asked, directory)
        if not is_colleague:
            refused.uncertain |= None in (is_colleague, *may.values())
            raise
        return found
    return (None,)


def delegable(round_: Round) -> bool:
    """Return True if a delegate may decide for somebody who is away."""
    return round_.rule is None or round_.rule.delegation


def delegates(users: frozenset[str], absences: tuple[Absence, ...], at: datetime) -> frozenset[str]:
    """The delegates of those of these users who are away."""
    return frozenset(one.delegate.id for one in absences if one.away.id in users and one.holds(at))


def without_lapsed(
    round_: Round, *, asked: Asked, crews: Crews, directory: Directory
) -> tuple[Round, tuple[Vote, ...]]:
    """Return the round without approvals of people who may no longer decide, and those approvals.

    A delegate's approval counts while the absent person, who may be back, may decide, and the
    delegate is a colleague. Where even Slack, once `asked`, does not tell, an approval counts.
    Raises NeedsLookup before that, or UnknownCrew.
    """
    lapsed = []
    for vote in round_.votes:
        right = vote.on_behalf_of or vote.by
        if _may(right.id, round_, asked, crews=crews, directory=directory) is False or (
            vote.on_behalf_of is not None
            and _is_colleague(vote.by.id, round_, asked, directory) is False
        ):
            lapsed.append(vote)
    for vote in lapsed:
        round_ = round_.take_back(vote.by.id).round
    return round_, tuple(lapsed)


def _is_colleague(user: str, round_: Round, asked: Asked, directory: Directory) -> bool | None:
    """Return True if a person can be a delegate; None where even Slack does not tell.

    Raises NeedsLookup before Slack was `asked`.
    """
    is_colleague = directory.is_colleague(user)
    if is_colleague is None and user not in asked:
        raise NeedsLookup(user, round_)
    return is_colleague


def _may(
    user: str, round_: Round, asked: Asked, *, crews: Crews, directory: Directory
) -> bool | None:
    """Return True if a person may decide by their own right; None where Slack does not tell.

    Raises NeedsLookup before Slack was `asked`, or UnknownCrew.
    """
    try:
        permissions.require(user, Role.REVIEWER, round_, crews=crews, directory=directory)
    except NotPermitted as refused:
        if not refused.uncertain:
            return False
        if user not in asked:
            raise NeedsLookup(user, round_) from None
        return None
    return True

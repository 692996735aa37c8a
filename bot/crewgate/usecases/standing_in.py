"""By whose right a person decides: their own first, else that of somebody who is away."""

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
"""Those for whom a person, by id, decides now."""


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
    """By whose right a person may decide on a round: None is their own.

    Else those who are away, whose delegate they are and who may decide by their own right, unless
    the round's rule forbids it or the delegate is no colleague any more. So nobody can hand on what
    was handed to them. Answered from memory and the database. Raises NotAReviewer or UnknownCrew,
    or NeedsLookup of somebody about whom Slack was not `asked`.
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
    """Whether somebody who is away may be stood in for."""
    return round_.rule is None or round_.rule.delegation


def delegates(users: frozenset[str], absences: tuple[Absence, ...], at: datetime) -> frozenset[str]:
    """Who decides for those of these users who are away."""
    return frozenset(one.delegate.id for one in absences if one.away.id in users and one.holds(at))


def without_lapsed(
    round_: Round, *, asked: Asked, crews: Crews, directory: Directory
) -> tuple[Round, tuple[Vote, ...]]:
    """The round without approvals of people who may decide no more, and those approvals.

    Of somebody who stood in, what counts is the right of whom they stood in for, who may be back,
    and that they are a colleague still.
    Where even Slack, once it was `asked` about somebody, does not say, an approval counts as it was
    given. Raises NeedsLookup before that, or UnknownCrew.
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
    """Whether a person can stand in for others; None where even Slack does not say.

    Raises NeedsLookup before Slack was `asked`.
    """
    is_colleague = directory.is_colleague(user)
    if is_colleague is None and user not in asked:
        raise NeedsLookup(user, round_)
    return is_colleague


def _may(
    user: str, round_: Round, asked: Asked, *, crews: Crews, directory: Directory
) -> bool | None:
    """Whether a person may decide by their own right; None where even Slack does not say.

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

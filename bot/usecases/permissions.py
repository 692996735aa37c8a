"""Who may decide."""

from __future__ import annotations

from bot.domain.crew import ANYONE
from bot.domain.errors import NotAReviewer, NotAStarter, UnknownCrew
from bot.usecases.ports.base import Crews
from bot.usecases.ports.slack import Directory


def require_reviewer(crew: str, user: str, *, crews: Crews, directory: Directory) -> None:
    """Raises NotAReviewer, or UnknownCrew when the settings do not name the crew any more."""
    known = crews.get(crew)
    if known is None:
        raise UnknownCrew(crew)
    if ANYONE in known.reviewers:
        return
    members = directory.members(known.reviewers)
    if user not in members.users:
        raise NotAReviewer(crew, uncertain=bool(members.unresolved))


def crews_reviewed_by(user: str, *, crews: Crews, directory: Directory) -> tuple[str, ...]:
    """The crews for which this person may decide."""
    return tuple(
        name
        for name, crew in crews.items()
        if ANYONE in crew.reviewers or user in directory.members(crew.reviewers).users
    )


def require_starter(crew: str, user: str, *, crews: Crews, directory: Directory) -> None:
    """Raises NotAStarter, or UnknownCrew when the settings name no such crew."""
    known = crews.get(crew)
    if known is None:
        raise UnknownCrew(crew)
    starters = known.starters or known.reviewers
    if ANYONE in starters:
        return
    members = directory.members(starters)
    if user not in members.users:
        raise NotAStarter(crew, starters, uncertain=bool(members.unresolved))


def crews_started_by(user: str, *, crews: Crews, directory: Directory) -> tuple[str, ...]:
    """The crews that this person may start."""
    return tuple(
        name
        for name, crew in crews.items()
        if ANYONE in (starters := crew.starters or crew.reviewers)
        or user in directory.members(starters).users
    )


def may_decide(crew: str, user: str, *, crews: Crews, directory: Directory) -> bool:
    """Whether this person may decide for this crew."""
    return crew in crews_reviewed_by(user, crews=crews, directory=directory)

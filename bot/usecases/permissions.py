"""Who may do what: the only place that asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.errors import NotAReviewer, NotAStarter, NotPermitted, UnknownCrew
from bot.domain.people import Anyone, Role
from bot.domain.review import Review
from bot.usecases.ports.base import Crews
from bot.usecases.ports.slack import Directory

Subject = str | Review
"""What it is about: a crew, by name, or one of its reviews."""

_REFUSALS: Final[Mapping[Role, type[NotPermitted]]] = {
    Role.REVIEWER: NotAReviewer,
    Role.STARTER: NotAStarter,
}


def require(user: str, role: Role, subject: Subject, *, crews: Crews, directory: Directory) -> None:
    """Raises NotAReviewer or NotAStarter, or UnknownCrew when the settings name no such crew."""
    name = subject if isinstance(subject, str) else subject.crew
    crew = crews.get(name)
    if crew is None:
        raise UnknownCrew(name)
    permitted = crew.permitted(role)
    if Anyone() in permitted:
        return
    members = directory.members(permitted)
    if user not in members.users:
        raise _REFUSALS[role](name, permitted, uncertain=bool(members.unresolved))


def may(user: str, role: Role, subject: Subject, *, crews: Crews, directory: Directory) -> bool:
    """Whether this person has the role; nobody has one for a crew that the settings do not name."""
    try:
        require(user, role, subject, crews=crews, directory=directory)
    except (NotPermitted, UnknownCrew):
        return False
    return True


def crews_of(user: str, role: Role, *, crews: Crews, directory: Directory) -> tuple[str, ...]:
    """The crews for which this person has the role."""
    return tuple(name for name in crews if may(user, role, name, crews=crews, directory=directory))

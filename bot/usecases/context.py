"""What the use cases about reviews work with, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.people import Role
from bot.usecases import permissions
from bot.usecases.permissions import Subject
from bot.usecases.ports.base import Clock, Crews
from bot.usecases.ports.slack import Directory
from bot.usecases.ports.store import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContext:
    """The database, who may do what, and the time; built once, by the app."""

    uow: UnitOfWork
    crews: Crews
    directory: Directory
    clock: Clock

    def require(self, user: str, role: Role, subject: Subject) -> None:
        """See `permissions.require`."""
        permissions.require(user, role, subject, crews=self.crews, directory=self.directory)

    def may(self, user: str, role: Role, subject: Subject) -> bool:
        """See `permissions.may`."""
        return permissions.may(user, role, subject, crews=self.crews, directory=self.directory)

    def crews_of(self, user: str, role: Role) -> tuple[str, ...]:
        """See `permissions.crews_of`."""
        return permissions.crews_of(user, role, crews=self.crews, directory=self.directory)

"""What the use cases about reviews work with, in one value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.people import Role
from bot.usecases import permissions
from bot.usecases.permissions import Subject
from bot.usecases.ports.base import Clock, Crews
from bot.usecases.ports.slack import Directory
from bot.usecases.ports.store import UnitOfWork
from bot.usecases.read_models import QueueKey

T = TypeVar("T")


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

    async def permitting(self, user: str, role: Role, work: Callable[[], Awaitable[T]]) -> T:
        """See `permissions.permitting`."""
        return await permissions.permitting(user, role, work, directory=self.directory)

    async def ensure(self, user: str, role: Role, subject: Subject) -> None:
        """See `permissions.ensure`."""
        await permissions.ensure(user, role, subject, crews=self.crews, directory=self.directory)

    async def ensure_reviewer_or_operator(self, user: str, subject: Subject) -> None:
        """Raises NotAReviewer or UnknownCrew unless the person has one of the two roles."""
        if not await self.may(user, Role.OPERATOR, subject):
            await self.ensure(user, Role.REVIEWER, subject)

    async def may(self, user: str, role: Role, subject: Subject) -> bool:
        """See `permissions.may`."""
        return await permissions.may(
            user, role, subject, crews=self.crews, directory=self.directory
        )

    async def crews_of(self, user: str, role: Role, *, recheck: bool) -> tuple[str, ...]:
        """See `permissions.crews_of`."""
        return await permissions.crews_of(
            user, role, crews=self.crews, directory=self.directory, recheck=recheck
        )

    async def queues_of(self, user: str, *roles: Role, recheck: bool) -> list[tuple[QueueKey, ...]]:
        """For each of these roles, of which rounds this person has it: `permissions.queues_of`."""
        rules = await self.uow.read.rules(self.crews)
        return [
            await permissions.queues_of(
                user,
                role,
                rules,
                crews=self.crews,
                directory=self.directory,
                recheck=recheck and role is not Role.OPERATOR,
            )
            for role in roles
        ]

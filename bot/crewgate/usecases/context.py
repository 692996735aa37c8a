"""The dependencies of the use cases about reviews, in one value."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from crewgate.domain.errors import NotPermitted, UnknownCrew
from crewgate.domain.people import Email, Role
from crewgate.domain.review import Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person
from crewgate.usecases import permissions, standing_in
from crewgate.usecases.permissions import Subject
from crewgate.usecases.ports.base import Clock, Crews
from crewgate.usecases.ports.slack import Directory
from crewgate.usecases.ports.store import Tx, UnitOfWork
from crewgate.usecases.read_models import QueueKey, StoredRule
from crewgate.usecases.standing_in import Asked, NeedsLookup

T = TypeVar("T")

_HANDED_ON: Final = (Role.REVIEWER, Role.READER)
"""The roles that a reviewer's delegate has too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContext:
    """The database, who may do what, and the time; built once, by the app."""

    uow: UnitOfWork
    crews: Crews
    directory: Directory
    clock: Clock

    async def permitting(self, user: str, role: Role, work: Callable[[Asked], Awaitable[T]]) -> T:
        """Do work that requires a role, as `permissions.permitting` and `asking` do."""
        return await self.asking(
            lambda asked: permissions.permitting(
                user, role, partial(work, asked), directory=self.directory
            )
        )

    async def asking(self, work: Callable[[Asked], Awaitable[T]]) -> T:
        """Do work; where it needs a lookup, ask Slack and do it once more.

        Work is given what Slack was asked about, and must undo what it did when it raises.
        """
        asked: Asked = frozenset()
        while True:
            try:
                return await work(asked)
            except NeedsLookup as needed:
                asked |= {needed.about}
                await self._look_up(needed)

    async def _look_up(self, needed: NeedsLookup) -> None:
        match needed.about:
            case Email() as address:
                await self.directory.ask_about(address)
            case user:
                may = partial(permissions.may, user, Role.REVIEWER, needed.round, recheck=True)
                await asyncio.gather(
                    may(crews=self.crews, directory=self.directory),
                    self.directory.look_up_colleague(user),
                )

    async def ensure(self, user: str, role: Role, subject: Subject) -> None:
        """Raise as `permissions.ensure` does, except for a delegate of a round's reviewer."""
        try:
            await permissions.ensure(
                user, role, subject, crews=self.crews, directory=self.directory
            )
        except NotPermitted as refused:
            if role not in _HANDED_ON or not isinstance(subject, Round):
                raise
            try:
                await self.asking(partial(self.entitled, user, subject))
            except NotPermitted as handed:
                refused.uncertain |= handed.uncertain
                raise refused from None

    async def entitled(
        self, user: str, round_: Round, asked: Asked, tx: Tx | None = None
    ) -> tuple[Person | None, ...]:
        """Return what `standing_in.entitled` does; reads absences in the transaction, if given."""
        now = self.clock()

        async def absences(delegate: str) -> tuple[Absence, ...]:
            if tx is not None:
                return await tx.absences.of_delegate(delegate, at=now)
            return await self.uow.read.absences(at=now, delegate=delegate)

        return await standing_in.entitled(
            user, round_, absences, asked=asked, crews=self.crews, directory=self.directory
        )

    async def ensure_reviewer_or_operator(self, user: str, subject: Subject) -> None:
        """Raises NotAReviewer or UnknownCrew unless the person has one of the two roles."""
        if not await self.may(user, Role.OPERATOR, subject):
            await self.ensure(user, Role.REVIEWER, subject)

    async def may(self, user: str, role: Role, subject: Subject) -> bool:
        """Return True if the person has the role, as `ensure` decides."""
        if await permissions.may(user, role, subject, crews=self.crews, directory=self.directory):
            return True
        return role in _HANDED_ON and await self._stands_in(user, subject)

    async def readable(self, user: str, rounds: Iterable[Round]) -> frozenset[str]:
        """The ids of those of a review's rounds that this person may read."""
        alike: dict[object, list[Round]] = {}
        for one in rounds:
            alike.setdefault((one.rule, one.escalated_at is None), []).append(one)
        found = [some for some in alike.values() if await self.may(user, Role.READER, some[0])]
        return frozenset(one.id for some in found for one in some)

    async def _stands_in(self, user: str, subject: Subject) -> bool:
        if not isinstance(subject, Round):
            return False
        try:
            return bool(await self.asking(partial(self.entitled, user, subject)))
        except (NotPermitted, UnknownCrew):
            return False

    async def crews_of(self, user: str, role: Role, *, recheck: bool) -> tuple[str, ...]:
        """Return the crews for which this person has the role, as `permissions.crews_of` does."""
        return await permissions.crews_of(
            user, role, crews=self.crews, directory=self.directory, recheck=recheck
        )

    async def queues_of(self, user: str, *roles: Role, recheck: bool) -> list[tuple[QueueKey, ...]]:
        """For each of these roles, return the queues for which this person has it.

        A reviewer's delegate decides and reads what the reviewer may decide.
        """
        rules = await self.uow.read.rules(self.crews)
        ask = partial(permissions.queues_of, crews=self.crews, directory=self.directory)
        handed = await self.handed_to(user, rules)
        found = []
        for role in roles:
            own = await ask(user, role, rules, recheck=recheck and role is not Role.OPERATOR)
            theirs = handed if role in _HANDED_ON else ()
            found.append(tuple(dict.fromkeys((*own, *theirs))))
        return found

    async def handed_to(self, user: str, rules: Iterable[StoredRule]) -> list[QueueKey]:
        """The rounds that a person may decide for those who are away, by crew and rule."""
        absences = await self.uow.read.absences(at=self.clock(), delegate=user)
        if not absences or not await self.directory.look_up_colleague(user):
            return []
        delegable = [rule for rule in rules if rule.rule.delegation]
        handed: list[QueueKey] = []
        for absence in absences:
            handed += await permissions.queues_of(
                absence.away.id,
                Role.REVIEWER,
                delegable,
                crews=self.crews,
                directory=self.directory,
            )
        return handed

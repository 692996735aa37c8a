"""The dependencies of the use cases about reviews, in one value."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from crewgate.domain.errors import NotPermitted, UnknownCrew
from crewgate.domain.people import Anyone, Role
from crewgate.domain.review import Round
from crewgate.usecases.access import DELEGATED, Access, NeedsLookup, Subject, crew_for
from crewgate.usecases.ports.base import Clock, Crews
from crewgate.usecases.ports.slack import Directory
from crewgate.usecases.ports.store import UnitOfWork
from crewgate.usecases.read_models import NO_RULE, QueueKey, StoredRule

T = TypeVar("T")
#: Lists show what was decided in the last day, and keep it in its place for a while.
LISTED: Final = timedelta(days=2)
K = TypeVar("K", str, QueueKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContext:
    """The database, the settings, Slack's directory and the clock; built once, by the app."""

    uow: UnitOfWork
    crews: Crews
    directory: Directory
    clock: Clock

    async def asking(self, work: Callable[[Access], Awaitable[T]], *, recheck: bool = True) -> T:
        """Do work with the permissions of now; if it needs a lookup, ask Slack and do it again.

        Work must undo its changes when it raises, as a transaction does.
        """
        asked: frozenset[Hashable] = frozenset()
        while True:
            try:
                return await work(self._access(asked, recheck=recheck))
            except NeedsLookup as needed:
                asked |= {needed.about}
                # Again even if Slack told nothing new: memory may have learnt it in between.
                await needed.ask()

    def _access(self, asked: frozenset[Hashable] = frozenset(), *, recheck: bool) -> Access:
        return Access(
            crews=self.crews,
            directory=self.directory,
            read=self.uow.read,
            at=self.clock(),
            asked=asked,
            recheck=recheck,
        )

    async def ensure(
        self, user: str, role: Role, subject: Subject, *, recheck: bool = True
    ) -> None:
        """Raise NotPermitted or UnknownCrew unless a person has a role; Slack is asked in doubt."""
        await self.asking(lambda access: access.rights_of(user, role, subject), recheck=recheck)

    async def may(self, user: str, role: Role, subject: Subject) -> bool:
        """Return True if a person has a role; Slack is asked only if memory does not tell.

        Nobody has a role for a crew that the settings do not name, or while Slack does not tell.
        """
        try:
            await self.ensure(user, role, subject, recheck=False)
        except (NotPermitted, UnknownCrew):
            return False
        return True

    async def ensure_reviewer_or_operator(self, user: str, subject: Subject) -> None:
        """Raise NotAReviewer or UnknownCrew unless the person has one of the two roles."""
        if not await self.may(user, Role.OPERATOR, subject):
            await self.ensure(user, Role.REVIEWER, subject)

    async def readable(self, user: str, rounds: Iterable[Round]) -> frozenset[str]:
        """Return the ids of those of a review's rounds that a person may read."""
        alike: dict[object, list[Round]] = {}
        for one in rounds:
            alike.setdefault((one.rule, one.escalated_at is None), []).append(one)
        found = [some for some in alike.values() if await self.may(user, Role.READER, some[0])]
        return frozenset(one.id for some in found for one in some)

    async def crews_of(self, user: str, role: Role, *, recheck: bool) -> tuple[str, ...]:
        """Return the crews for which a person has a role by their own right."""
        crews = {name: name for name in self.crews}
        return tuple(await self._permitted(user, role, crews, recheck=recheck))

    async def queues_of(
        self,
        user: str,
        *roles: Role,
        recheck: bool,
        rules: Iterable[StoredRule] | None = None,
    ) -> list[tuple[QueueKey, ...]]:
        """Return for each of these roles the queues for which a person has it.

        A reviewer's delegate decides and reads what the reviewer may decide. The rules are those of
        rounds that lists show, unless given.
        """
        rules = await self.rules_in_use() if rules is None else tuple(rules)
        delegated = await self._delegated_to(user, rules)
        found = []
        for role in roles:
            recheck_role = recheck and role is not Role.OPERATOR
            own = await self._own_queues(user, role, rules, recheck=recheck_role)
            theirs = delegated if role in DELEGATED else []
            found.append(tuple(dict.fromkeys((*own, *theirs))))
        return found

    async def rules_in_use(self) -> tuple[StoredRule, ...]:
        """Return the rules of rounds that are open, or were decided in the last days."""
        since = self.clock() - LISTED
        return await self.uow.read.rules(self.crews, since=since)

    async def _delegated_to(self, user: str, rules: Iterable[StoredRule]) -> list[QueueKey]:
        """Return the queues in which a person decides as a delegate."""
        absences = await self.uow.read.absences.find(at=self.clock(), delegate=user)
        if not absences or not await self.directory.look_up_colleague(user):
            return []
        rules = [rule for rule in rules if rule.rule.delegation]
        found: list[QueueKey] = []
        for absence in absences:
            found += await self._own_queues(absence.away.id, Role.REVIEWER, rules, recheck=False)
        return found

    async def _own_queues(
        self, user: str, role: Role, rules: Iterable[StoredRule], *, recheck: bool
    ) -> tuple[QueueKey, ...]:
        """Return the queues for which a person has a role by their own right."""
        subjects: dict[QueueKey, Subject] = {(name, NO_RULE): name for name in self.crews}
        subjects |= {rule.key: rule for rule in rules if rule.crew in self.crews}
        # Queues with the same people and channel are checked once.
        alike: dict[tuple[object, ...], list[QueueKey]] = {}
        for key, subject in subjects.items():
            crew = crew_for(subject, self.crews)
            permitted = crew.permitted(role)
            channel = crew.channel if Anyone() in permitted else None
            alike.setdefault((permitted, channel), []).append(key)
        first = {keys[0]: subjects[keys[0]] for keys in alike.values()}
        found = await self._permitted(user, role, first, recheck=recheck)
        allowed = {key for keys in alike.values() if keys[0] in found for key in keys}
        return tuple(key for key in subjects if key in allowed)

    async def _permitted(
        self, user: str, role: Role, subjects: Mapping[K, Subject], *, recheck: bool
    ) -> list[K]:
        """Return the keys of the subjects for which a person has a role; Slack is asked once."""
        access = self._access(recheck=recheck)
        found = {key: access.refusal(user, role, one) for key, one in subjects.items()}
        refused = {key: one for key, one in found.items() if one is not None}
        await access.look_up(user, role, refused.values())
        found |= {key: access.refusal(user, role, subjects[key]) for key in refused}
        return [key for key, one in found.items() if one is None]

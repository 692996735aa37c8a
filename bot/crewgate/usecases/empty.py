"""Lists of people in the settings of which nobody is left: who is told, and what is updated."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog

from crewgate.domain.crew import Crew
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import State
from crewgate.domain.rules.rule import NO_RULE
from crewgate.usecases.access import has_people
from crewgate.usecases.delivery.messages import PEOPLE_LIMIT
from crewgate.usecases.ports.base import Clock, Crews, Wakeup
from crewgate.usecases.ports.slack import Directory
from crewgate.usecases.ports.store import UnitOfWork
from crewgate.usecases.read_models import NO_RULE_ID, Selection

log = structlog.get_logger(__name__)

Empty = Mapping[tuple[ReviewerRef, ...], str]
"""Lists of people of which nobody is left, each with its rule's name; empty: the crew's own."""
#: The longest time between two looks: some answers of Slack's end by their age.
LOOK: Final = timedelta(minutes=5)
#: The most waiting cards of a crew that are updated when a list becomes empty, or is filled.
CARDS: Final = 200


def empty_of(crew: Crew, directory: Directory, *, before: Empty | None = None) -> Empty:
    """Return the crew's empty lists; a list that was one `before` stays so until Slack answers."""
    lists: dict[tuple[ReviewerRef, ...], str] = {}
    for rule in (NO_RULE, *crew.rules):
        for named in () if rule.decide else crew.people_under(rule):
            lists.setdefault(named, rule.name)
    known = {named: has_people(named, directory) for named in lists}
    return {
        named: rule
        for named, rule in lists.items()
        if known[named] is False or (known[named] is None and named in (before or {}))
    }


@dataclass(eq=False, repr=False, kw_only=True)
class EmptyLists:
    """Looks for lists that became empty, and tells the crew's operators once of each.

    After a restart they are told again, for only memory knows that they were told.
    """

    uow: UnitOfWork
    crews: Crews
    directory: Directory
    clock: Clock
    asked: Wakeup
    """Set after Slack was asked."""
    _empty: dict[str, Empty] = field(default_factory=dict)

    @property
    def warning(self) -> str | None:
        found = [
            f"{', '.join(map(str, named))} ({name}{f', rule “{rule}”' if rule else ''})"
            for name, empty in self._empty.items()
            for named, rule in empty.items()
        ]
        return f"nobody is left, so reviews wait for ever: {'; '.join(found)}" if found else None

    async def run(self) -> None:
        while True:
            await self.asked.wait(LOOK.total_seconds())
            await self.look()

    async def look(self) -> None:
        for name, crew in self.crews.items():
            before = self._empty.get(name)
            now = empty_of(crew, self.directory, before=before)
            try:
                if now != before:
                    await self._changed(crew, before, now)
            except StoreUnavailable as error:
                log.warning("empty_lists_not_told", crew=name, why=str(error))
                continue
            self._empty[name] = now

    async def _changed(self, crew: Crew, before: Empty | None, now: Empty) -> None:
        """Tell operators of new empty lists, and have cards say what holds now."""
        refreshes = await self._cards(crew, all_of_them=bool(before or now))
        fresh = [named for named in now if named not in (before or {})]
        for named in fresh:
            log.warning("nobody_left", crew=crew.name, reviewers=[*map(str, named)])
        users = self.directory.members(crew.operators).users if fresh else ()
        tell = Effect(kind=EffectKind.NOBODY_LEFT, target=crew.name, crew=crew.name)
        told = [replace(tell, user=user) for user in sorted(users)[:PEOPLE_LIMIT]]
        if refreshes or told:
            async with self.uow.begin() as tx:
                await tx.enqueue([*told, *refreshes], at=self.clock())

    async def _cards(self, crew: Crew, *, all_of_them: bool) -> list[Effect]:
        """Return updates of the waiting cards, or only of those that say that nobody may approve.

        A card of an earlier start may say so of a list that was filled since.
        """
        read = self.uow.read
        rules = await read.rules((crew.name,), since=self.clock())
        queues = ((crew.name, NO_RULE_ID), *(rule.key for rule in rules))
        if all_of_them:
            waiting = Selection(queues=queues, states=(State.WAITING,))
            ids = await read.rounds.first(waiting, limit=CARDS)
        else:
            ids = (await read.rounds.without_approver(queues))[:CARDS]
        return [line.round.effect(EffectKind.REFRESH) for line in await read.rounds.lines(ids)]

"""Removing texts after crews' `retention`, in batches with a transaction each.

Slack's messages follow through the outbox, after everything else.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Final

import structlog

from crewgate.domain.audit import BOT, Code, Entry
from crewgate.domain.errors import StoreUnavailable
from crewgate.usecases.access import UNCLEAR
from crewgate.usecases.ports.base import Clock, Crews, Sleep
from crewgate.usecases.ports.store import Tx, UnitOfWork

log = structlog.get_logger(__name__)

#: The pause after each batch, in seconds: Slack takes some 50 changes of messages a minute, and
#: changes that people wait for must not queue behind those of removals.
BATCH_EVERY: Final = 30
LOOK_EVERY: Final = 60 * 60

Removed = Counter[str]


async def remove_texts(
    crew: str,
    *,
    before: datetime,
    begin: Callable[[], AbstractAsyncContextManager[Tx]],
    clock: Clock,
    by: str = BOT,
) -> AsyncIterator[Removed]:
    data = {"before": before.isoformat()}
    async with begin() as tx:
        await tx.removal.forget_kickoffs(crew, before=min(before, clock() - UNCLEAR))
    count = 1
    while count:
        async with begin() as tx:
            count = await tx.removal.remove_dead_letters(crew, before=before, at=clock())
            if count:
                tx.audit.add(Entry(Code.PURGED, by, {**data, "dead_letters": count}), crew=crew)
        yield Removed(dead_letters=count)
    count = 1
    while count:
        async with begin() as tx:
            refreshes = await tx.removal.remove_lessons(crew, before=before, at=clock())
            count = len(refreshes)
            if count:
                tx.audit.add(Entry(Code.PURGED, by, {**data, "lessons": count}), crew=crew)
                await tx.enqueue(refreshes, at=clock(), last=True)
        yield Removed(lessons=count)
    last = None
    while True:
        async with begin() as tx:
            at = clock()
            removed, last = await tx.removal.remove(crew, before=before, after=last, at=at)
            for execution_id, effects in removed.items():
                tx.audit.add(Entry(Code.PURGED, by, data), crew=crew, execution_id=execution_id)
                await tx.enqueue(effects, at=at, last=True)
        yield Removed(executions=len(removed))
        if last is None:
            return


@dataclass(eq=False, repr=False)
class RemovalLoop:
    """Removes texts once they are due, until it is cancelled."""

    uow: UnitOfWork
    _: KW_ONLY
    crews: Crews
    clock: Clock
    slack_time: Callable[[], Awaitable[datetime | None]]
    sleep: Sleep
    scrub: Callable[[], Awaitable[bool]]
    """Removes deleted texts from the database's files; False: not possible now."""
    _is_scrubbed: bool = True

    async def run(self) -> None:
        while True:
            try:
                if now := await self.now():
                    await self._remove(now)
            except StoreUnavailable as error:
                log.warning("texts_not_removed", why=str(error))
            await self.sleep(LOOK_EVERY)

    async def now(self) -> datetime | None:
        """Return the earlier of Slack's time and our clock's; None while Slack is silent.

        A fast clock must not remove any text early, for nothing brings texts back.
        """
        there = await self.slack_time()
        return None if there is None else min(there, self.clock())

    async def _remove(self, now: datetime) -> None:
        for name, crew in self.crews.items():
            if crew.retention is None:
                continue
            total = Removed()
            before = now - crew.retention
            async for removed in remove_texts(
                name, before=before, begin=self.uow.begin, clock=self.clock
            ):
                total += removed
                if removed.total():
                    await self.sleep(BATCH_EVERY)
            if total.total():
                self._is_scrubbed = False
                log.info("texts_removed", crew=name, **total)
        self._is_scrubbed = self._is_scrubbed or await self.scrub()

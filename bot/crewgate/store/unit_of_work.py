"""The unit of work: transactions, and reading outside of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from typing_extensions import override

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.masking import Masking
from crewgate.store.engine import OutboxEngines, translate_errors
from crewgate.store.queries import Queries
from crewgate.store.transaction import Tx
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.store import UnitOfWork

#: The free bytes that the largest bodies, and SQLite's log of them, may need.
ROOM: Final = 32 * 2**20
#: The seconds that a health check waits for the database; callers wait about five.
PROBE_SECONDS: Final = 2

Wake = Callable[[str], None]
"""Called with a destination that has new work."""
Changed = Callable[[Collection[str]], None]
"""Called with the crews of which people may see something new."""


@dataclass(slots=True)
class _Availability:
    """The fate of the last transaction, shared by all connections."""

    failure: str | None = None


class SqlUnitOfWork(UnitOfWork):
    """Transactions on the engines of a database."""

    def __init__(
        self,
        engines: OutboxEngines,
        *,
        wake: Wake,
        clock: Clock,
        changed: Changed = lambda _: None,
        masking: Mapping[str, Masking] = MappingProxyType({}),
        availability: _Availability | None = None,
        room: int = ROOM,
    ) -> None:
        self._engines = engines
        self._wake = wake
        self._changed = changed
        self._clock = clock
        self._masking = masking
        self._read = Queries(engines.read, masking)
        self._room = room
        self._availability = availability or _Availability()
        self._kept_rules: set[str] = set()
        self._looking: asyncio.Task[str | None] | None = None

    @property
    @override
    def read(self) -> Queries:
        return self._read

    def for_outbox(self) -> "SqlUnitOfWork":
        """Return transactions for delivering the outbox, on connections of their own."""
        engines = self._engines.for_outbox
        return SqlUnitOfWork(
            engines,
            wake=self._wake,
            changed=self._changed,
            clock=self._clock,
            masking=self._masking,
            availability=self._availability,
        )

    @override
    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        try:
            with translate_errors():
                async with self._engines.write.begin() as connection:
                    transaction = Tx(connection, clock=self._clock, kept_rules=self._kept_rules)
                    yield transaction
                    await transaction.flush()
        except StoreUnavailable as error:
            self._availability.failure = str(error)
            raise
        self._availability.failure = None
        self._kept_rules |= transaction.rules_seen
        for destination in transaction.woken:
            self._wake(destination)
        if transaction.changed:
            self._changed(transaction.changed)

    async def probe(self, *, patience: float = PROBE_SECONDS) -> None:
        """Raise StoreUnavailable if the database does not answer soon or takes no writes.

        A write is only tried after a failed one: a full disk can still be read, and a nearly full
        disk takes this write but no notification. A slow probe goes on, never twice at a time.
        """
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.wait([self._looking], timeout=patience)
        if not self._looking.done():
            raise StoreUnavailable(self._availability.failure or f"no answer in {patience} s")
        if (failure := self._looking.result()) is not None:
            raise StoreUnavailable(failure)

    async def _look(self) -> str | None:
        try:
            await self.read.ping()
            free = self._engines.free_bytes
            if free is not None and free < self._room:
                return f"the disk has room for {free // 2**20} MiB only"
            if self._availability.failure is not None:
                async with self.begin() as tx:
                    await tx.write_nothing()
        except StoreUnavailable as error:
            return str(error)
        return None

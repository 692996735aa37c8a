"""The unit of work: transactions, and reading outside of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Final

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.masking import Masking
from crewgate.store.engine import TURN_SECONDS, Engines, Reader, translate_errors
from crewgate.store.queries import Queries
from crewgate.store.transaction import Tx
from crewgate.usecases.ports.base import Clock

#: The free bytes on the disk that the largest bodies, and SQLite's log of them, may need.
ROOM: Final = 32 * 2**20
#: People's transactions at a time on PostgreSQL. The other connections are left to crews, which
#: never repeat a notification, while people press again if the machine is too busy.
AT_ONCE: Final = 3
#: The seconds that a health check waits for the database; its caller waits about five for it.
PROBE_SECONDS: Final = 2

Wake = Callable[[str], None]
"""Called with a destination that has new work."""
Changed = Callable[[Collection[str]], None]
"""Called with the crews whose rounds changed, so that Home and lists are read anew."""


@dataclass(slots=True)
class _Availability:
    """The error of the last transaction, if it failed; shared with the outbox's transactions."""

    failure: str | None = None


@dataclass(eq=False, repr=False)
class UnitOfWork:
    """Transactions on the engines of a database."""

    engines: Engines[Reader]
    _: KW_ONLY
    wake: Wake
    clock: Clock
    changed: Changed = lambda _: None
    masking: Mapping[str, Masking] = field(default_factory=dict)
    room: int = ROOM
    availability: _Availability = field(default_factory=_Availability)
    turns: asyncio.Semaphore | None = None
    _kept_rules: set[str] = field(default_factory=set, init=False)
    _looking: asyncio.Task[str | None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.read = Queries(self.engines.read, self.masking)

    def for_outbox(self) -> "UnitOfWork":
        """Return transactions for delivering the outbox, on connections of their own."""
        return replace(self, engines=self.engines.for_outbox)

    def for_people(self) -> "UnitOfWork":
        """Return transactions for people; on PostgreSQL only AT_ONCE at a time get a connection."""
        is_limited = self.engines.write.dialect.name == "postgresql"
        return replace(self, turns=asyncio.Semaphore(AT_ONCE) if is_limited else None)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """Begin a transaction: committed when the `with` body ends, rolled back if that raises.

        Raises StoreUnavailable, at the start or at the commit; then nothing was stored.
        """
        try:
            with translate_errors():
                async with self._turn(), self.engines.write.begin() as connection:
                    transaction = Tx(connection, clock=self.clock, kept_rules=self._kept_rules)
                    yield transaction
                    await transaction.flush()
        except StoreUnavailable as error:
            self.availability.failure = str(error)
            raise
        self.availability.failure = None
        self._kept_rules |= transaction.rules_seen
        # Workers are woken after the commit: one woken before it would find no job, and sleep on.
        for destination in transaction.woken:
            self.wake(destination)
        if transaction.changed:
            self.changed(transaction.changed)

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self.turns is None else _taken(self.turns)

    async def probe(self, *, patience: float = PROBE_SECONDS) -> None:
        """Raise StoreUnavailable if the database does not answer soon or takes no writes.

        A write is only tried after a failed one: a full disk can still be read, and a nearly full
        disk takes this write but no notification. A slow probe goes on, never twice at a time.
        """
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.wait([self._looking], timeout=patience)
        if not self._looking.done():
            raise StoreUnavailable(self.availability.failure or f"no answer in {patience} s")
        if (failure := self._looking.result()) is not None:
            raise StoreUnavailable(failure)

    async def _look(self) -> str | None:
        try:
            await self.read.ping()
            free = self.engines.free_bytes
            if free is not None and free < self.room:
                return f"the disk has room for {free // 2**20} MiB only"
            if self.availability.failure is not None:
                async with self.begin() as tx:
                    await tx.write_nothing()
        except StoreUnavailable as error:
            return str(error)
        return None


@asynccontextmanager
async def _taken(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    async with asyncio.timeout(TURN_SECONDS):
        await turns.acquire()
    try:
        yield
    finally:
        turns.release()

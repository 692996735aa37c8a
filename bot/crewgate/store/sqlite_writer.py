"""The SQLite connection that writes, and its transactions, which share their commits.

A commit syncs the disk and costs far more than the few indexed rows that one of our transactions
changes. So transactions that arrive while another commits are carried out in turn, each in a
savepoint, and committed together; `begin` returns only when that commit is durable.

Only what may take long is left to a thread: opening the file, waiting for the lock, and the end of
a batch. The statements between are carried out at once, on the event loop's thread: a hand-over
costs more than SQLite takes for a row.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import sqlalchemy as sa

from crewgate.store.sqlite_connection import SqliteConnection, driver_of

T = TypeVar("T")

#: Transactions in one commit. The first of them waits for all; more bring little.
BATCH: Final = 64
_LOST: Final = "SQLite took back the whole batch of transactions"
_FAILURES: Final = (sa.exc.SQLAlchemyError, sqlite3.Error, OSError)


@dataclass(eq=False, slots=True)
class _Turn:
    """One transaction's way through a batch."""

    come: asyncio.Future[SqliteConnection] = field(default_factory=asyncio.Future)
    """Its turn has come; it may carry out its statements."""
    over: asyncio.Future[bool] = field(default_factory=asyncio.Future)
    """It has carried them out; False takes its changes back."""
    durable: asyncio.Future[None] = field(default_factory=asyncio.Future)
    """The batch is committed."""
    follows: bool = False
    """It may read changes of its batch that are not durable yet."""

    def fail(self, error: BaseException) -> None:
        """Raise the error where somebody waits for it."""
        waits_for = self.durable if self.come.done() else self.come
        if not waits_for.done():
            waits_for.set_exception(error)
            waits_for.exception()  # perhaps nobody waits any longer


class SqliteWriter:
    """Writes to one SQLite file: one transaction at a time, many a commit.

    `turn_seconds`: how long a transaction waits for its turn.
    """

    def __init__(self, path: str, *, pragmas: Iterable[str], turn_seconds: float) -> None:
        self._path = path
        self._pragmas = tuple(pragmas)
        self._turn_seconds = turn_seconds
        #: The engine below, for SQLAlchemy's events.
        self.sync_engine = sa.create_engine(
            "sqlite://",
            creator=self._open,
            poolclass=sa.pool.QueuePool,
            pool_size=1,
            max_overflow=0,
            pool_reset_on_return=None,
            hide_parameters=True,
        )
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: deque[_Turn] = deque()
        self._batches: asyncio.Task[None] | None = None

    @property
    def dialect(self) -> sa.Dialect:
        return self.sync_engine.dialect

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteConnection]:
        """A transaction; it is durable when this has been left without an exception.

        Raises sqlalchemy.exc.TimeoutError when its turn does not come. An exception takes back
        what it changed and leaves others of the same batch alone. It may tell of what these did,
        so it ends with the batch too, and a failed commit is raised in its place.
        """
        turn = _Turn()
        self._waiting.append(turn)
        if self._batches is None or self._batches.done():
            self._batches = asyncio.create_task(self._work())
        kept = False
        try:
            yield await self._turn_of(turn)
            kept = True
        finally:
            if not turn.over.done():
                turn.over.set_result(kept)
            if kept or turn.follows:
                await asyncio.shield(turn.durable)

    async def dispose(self) -> None:
        """Close the file, after the transactions that were begun."""
        if self._batches is not None:
            await asyncio.wait([self._batches])
        await self._in_thread(self.sync_engine.dispose)
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    async def _turn_of(self, turn: _Turn) -> SqliteConnection:
        try:
            async with asyncio.timeout(self._turn_seconds):
                return await turn.come
        except TimeoutError:
            raise sa.exc.TimeoutError("the turn to write to SQLite did not come") from None

    async def _work(self) -> None:
        while self._waiting:
            await self._batch()

    async def _batch(self) -> None:
        """Begin, let up to `BATCH` transactions have their turns, and commit."""
        taken: list[_Turn] = []
        connection: sa.Connection | None = None
        try:
            connection = await self._in_thread(self._begin)
            commit = await self._carry_out(taken, connection)
            await self._in_thread(partial(self._end, connection, commit=commit))
        except _FAILURES as error:
            for turn in taken or self._all_waiting():
                turn.fail(error)
            if connection is not None:
                await self._in_thread(partial(self._discard, connection))
            return
        for turn in taken:
            turn.durable.set_result(None)

    async def _carry_out(self, taken: list[_Turn], connection: sa.Connection) -> bool:
        """Run each waiting transaction in its own savepoint; return True if one ended well."""
        driver = driver_of(connection)
        lent = SqliteConnection(connection)
        stored = False
        while self._waiting and len(taken) < BATCH:
            turn = self._waiting.popleft()
            if turn.come.done():  # it waits no longer
                continue
            taken.append(turn)
            turn.follows = stored
            driver.execute("SAVEPOINT turn")
            turn.come.set_result(lent)
            kept = await turn.over
            if not driver.in_transaction:
                # A full disk and the like end the whole transaction, savepoints and all:
                # https://www.sqlite.org/lang_transaction.html
                raise sqlite3.OperationalError(_LOST)
            if not kept:
                driver.execute("ROLLBACK TO turn")
            stored |= kept
            driver.execute("RELEASE turn")
        return stored

    def _all_waiting(self) -> list[_Turn]:
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    async def _in_thread(self, function: Callable[[], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        return await asyncio.wrap_future(self._thread.submit(function))

    def _begin(self) -> sa.Connection:
        connection = self.sync_engine.connect()
        try:
            # For SQLAlchemy it is in a transaction from here on, which only `_end` ends: migrations
            # commit what they find no transaction around.
            connection.begin()
            # The write lock at the start: a reader that turns writer could fail half way.
            driver_of(connection).execute("BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
        return connection

    def _end(self, connection: sa.Connection, *, commit: bool) -> None:
        driver = driver_of(connection)
        if commit:
            driver.commit()
        else:
            driver.rollback()
        connection.close()

    def _discard(self, connection: sa.Connection) -> None:
        """Close a connection in whatever state it is; the next batch opens another."""
        connection.invalidate()
        connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        try:
            for pragma in self._pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

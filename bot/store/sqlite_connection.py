"""The SQLite connection that writes: only what may take long goes through a thread.

aiosqlite hands every single call to a thread and back, some twenty times in one of our
transactions, and each way costs more than SQLite itself takes for a row. What can take long is
waiting for the lock and syncing the disk, so BEGIN, COMMIT and ROLLBACK are left to a thread;
the statements between them, on a few indexed rows each, are carried out at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self, TypeVar

T = TypeVar("T")


class CallThread:
    """One thread that carries out calls in order."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._last: Future[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way, maybe one whose caller was cancelled."""
        return self._last is not None and not self._last.done()

    async def call(self, function: Callable[[], T]) -> T:
        """Carry out a call in the thread. If it has begun, a cancellation leaves it to finish."""
        self._last = submitted = self._executor.submit(function)
        return await asyncio.wrap_future(submitted)

    def stop(self, last: Callable[[], object] = lambda: None) -> None:
        """Carry out a last call and end the thread, without waiting for either."""
        with suppress(RuntimeError):  # it has ended, or the interpreter is about to
            self._executor.submit(last)
        self._executor.shutdown(wait=False)


class WriterCursor:
    """A cursor of the connection that writes, as SQLAlchemy uses cursors of asyncio drivers."""

    def __init__(self, cursor: sqlite3.Cursor, thread: CallThread) -> None:
        self._cursor = cursor
        self._thread = thread
        self.arraysize = cursor.arraysize

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of the result, or None."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that was inserted last."""
        return self._cursor.lastrowid

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Carry out a statement at once, save for BEGIN, which waits for the lock."""
        if statement.startswith("BEGIN"):
            # On a cursor of its own: whoever is cancelled meanwhile closes this one at once.
            connection = self._cursor.connection
            await self._thread.call(lambda: connection.execute(statement))
        else:
            self._cursor.execute(statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Carry out a statement at once for each set of parameters."""
        self._cursor.executemany(statement, parameters)

    async def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Free what the statement holds."""
        self._cursor.close()


class WriterConnection:
    """A connection that writes to a SQLite file, for SQLAlchemy's aiosqlite dialect.

    The dialect takes whatever has these methods; it looks for `_connection` to see whether the
    file is open.
    """

    def __init__(self, connection: sqlite3.Connection, thread: CallThread) -> None:
        self._connection = connection
        self._thread = thread

    @property
    def isolation_level(self) -> str | None:
        """None: transactions begin where BEGIN says so."""
        return self._connection.isolation_level

    def cursor(self) -> WriterCursor:
        """A new cursor."""
        return WriterCursor(self._connection.cursor(), self._thread)

    async def commit(self) -> None:
        """Commit, in the thread: it syncs the disk."""
        await self._thread.call(self._connection.commit)

    async def rollback(self) -> None:
        """Roll back in the thread. The pool asks for it after every commit, for nothing."""
        if self._thread.is_busy or self._connection.in_transaction:
            await self._thread.call(self._connection.rollback)

    async def create_function(self, *about: Any, **options: Any) -> None:
        """Give SQL a function, as `sqlite3.Connection.create_function`."""
        self._connection.create_function(*about, **options)

    async def close(self) -> None:
        """Close the file."""
        try:
            await self._thread.call(self._connection.close)
        finally:
            self._thread.stop()

    def stop(self) -> None:
        """Close the file without waiting, when there is no loop any more."""
        self._thread.stop(self._connection.close)


async def connect(path: str, pragmas: Iterable[str]) -> WriterConnection:
    """Open a SQLite file for writing."""
    thread = CallThread()
    try:
        return WriterConnection(await thread.call(lambda: _open(path, pragmas)), thread)
    except BaseException:
        thread.stop()
        raise


def _open(path: str, pragmas: Iterable[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection

"""The SQLite connection that writes: only what may take long goes through its thread.

aiosqlite hands every single call to a thread and back, some twenty times in one of our
transactions, and each way costs more than SQLite itself takes for a row. What can take long is
waiting for the lock and syncing the disk, so BEGIN, COMMIT and ROLLBACK are left to the thread;
the statements between them, on a few indexed rows each, are carried out at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import aiosqlite

#: aiosqlite's own default; how many rows a cursor fetches in one go.
_CHUNK = 64


class DirectConnection(aiosqlite.Connection):
    """aiosqlite's connection, without the thread for what is quick."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The one place all of aiosqlite's calls pass through."""
        if self._connection is None or self._may_take_long(self._connection, fn, args):
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return fn(*args, **kwargs)

    @staticmethod
    def _may_take_long(
        connection: sqlite3.Connection, fn: Callable[..., Any], args: tuple[Any, ...]
    ) -> bool:
        if fn == connection.rollback:  # the pool makes sure after every commit
            return connection.in_transaction
        begins = bool(args) and isinstance(args[0], str) and args[0].startswith("BEGIN")
        return begins or fn in (connection.commit, connection.close)


async def connect(path: str, pragmas: Iterable[str]) -> aiosqlite.Connection:
    """Open a SQLite file for writing. The thread that waits and syncs never keeps us alive."""
    connection = DirectConnection(
        lambda: sqlite3.connect(path, check_same_thread=False, isolation_level=None),
        iter_chunk_size=_CHUNK,
    )
    connection._thread.daemon = True  # noqa: SLF001  # it offers no other way
    await connection
    try:
        for pragma in pragmas:
            await connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        await connection.close()
        raise
    return connection

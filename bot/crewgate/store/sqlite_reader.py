"""The SQLite connection that the outbox reads with."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from crewgate.store.sqlite_connection import SqliteConnection


class SqliteReader:
    """Reads one SQLite file on the event loop's thread: rows that an index finds, and few of them.

    Nobody waits for a connection: no statement is interrupted by another.
    """

    def __init__(self, path: str, *, busy_seconds: float) -> None:
        """`busy_seconds`: how long a statement waits where somebody has locked the whole file."""
        self._path = path
        self._busy_seconds = busy_seconds
        #: The engine below, for SQLAlchemy's events.
        self.sync_engine = sa.create_engine(
            "sqlite://", creator=self._open, poolclass=sa.pool.StaticPool, hide_parameters=True
        )
        self._connection: sa.Connection | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SqliteConnection]:
        """The connection; each statement sees what is committed by then."""
        if self._connection is None:
            self._connection = self.sync_engine.connect()
        yield SqliteConnection(self._connection)

    async def dispose(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
        self.sync_engine.dispose()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, check_same_thread=False, isolation_level=None
        )
        connection.execute("PRAGMA query_only=ON")
        return connection

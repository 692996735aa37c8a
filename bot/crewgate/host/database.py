"""The SQLite connection: one, shared by the event loop and the executions' threads."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from crewgate.host.errors import HostNotStarted, HostStops, NotKept
from crewgate.host.schema import STEPS

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Transactions on one file that no other process can open meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises HostNotStarted if it cannot be used."""
        self._lock = threading.RLock()
        self._closed = False
        try:
            # Readable by this user only: it holds outputs, and credentials of webhooks.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=0.2, isolation_level=None, check_same_thread=False
            )
            self._open()
        except sqlite3.OperationalError as error:
            why = "another host is using it" if "locked" in str(error) else str(error)
            raise HostNotStarted(f"{path} cannot be used: {why}") from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise HostNotStarted(f"{path} cannot be used: {error}") from error

    def _open(self) -> None:
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("BEGIN EXCLUSIVE")
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, *STEPS}:
            self._connection.close()
            which = "a later" if version > max(STEPS) else "an earlier"
            raise sqlite3.DatabaseError(f"it was written by {which} version of crewgate")
        for number, step in STEPS.items():
            # One statement at a time: `executescript` would commit first.
            for statement in filter(str.strip, step.split(";\n") if number > version else ()):
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {max(STEPS)}")
        self._connection.execute("COMMIT")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit the block's changes durably, or none of them. Raises HostStops."""
        with self.reading():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # Where the disk is full SQLite may have rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one consistent state. Raises HostStops once the file is closed."""
        with self._lock:
            if self._closed:
                raise HostStops
            yield self._connection

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows of one query. Raises HostStops once the file is closed."""
        with self.reading() as sql:
            return sql.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file once no transaction is open."""
        with self._lock:
            self._closed = True
            self._connection.close()


def or_not_kept(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function raise NotKept if the file cannot be read or written."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except sqlite3.Error as error:
            raise NotKept(str(error)) from error

    return call

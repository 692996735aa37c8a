"""Statements on SQLite, on the event loop's thread.

A hand-over to another thread costs more than SQLite takes for a few rows that an index finds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from crewgate.store.prepared import Prepared, Rows, Write, prepare

P = ParamSpec("P")
T = TypeVar("T")
_Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class SqliteConnection:
    """SQLAlchemy's `AsyncConnection`, in part: statements are carried out at once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._driver = driver_of(connection)
        self._is_listened_to = bool(connection.dispatch.before_cursor_execute)
        """True if SQLAlchemy has to report each statement to a listener."""

    @property
    def dialect(self) -> sa.Dialect:
        """SQLite's."""
        return self._connection.dialect

    async def execute(
        self, statement: sa.Executable, parameters: _Parameters | None = None
    ) -> sa.CursorResult[Any]:
        """Carry out a statement at once."""
        return self._connection.execute(statement, parameters)

    def write(self, statement: Write, parameters: _Parameters) -> int:
        """Carry out a statement that is built once; return the number of rows it changed."""
        if self._is_listened_to:
            return self._connection.execute(statement, parameters).rowcount
        several = [parameters] if isinstance(parameters, Mapping) else parameters
        prepared = prepare(statement, tuple(several[0]))
        try:
            if len(several) == 1:
                values = prepared.bind(several[0])
                return self._driver.execute(prepared.sql, values).rowcount
            all_values = [*map(prepared.bind, several)]
            return self._driver.executemany(prepared.sql, all_values).rowcount
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error, prepared) from error

    def rows(self, statement: Rows, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Carry out a statement that is built once; return its rows."""
        if self._is_listened_to:
            return self._connection.execute(statement, parameters).all()
        prepared = prepare(statement, tuple(parameters))
        try:
            values = prepared.bind(parameters)
            return prepared.read(self._driver.execute(prepared.sql, values))
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error, prepared) from error

    async def scalar(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the first column of the first row, or None."""
        return self._connection.scalar(statement, parameters)

    async def scalars(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None
    ) -> sa.ScalarResult[Any]:
        """Return the first column of each row."""
        return self._connection.scalars(statement, parameters)

    async def run_sync(
        self,
        function: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call a function with the connection, at once."""
        return function(self._connection, *args, **kwargs)


def driver_of(connection: sa.Connection) -> sqlite3.Connection:
    """Return the driver's own connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # as it was opened
    return driver


def _as_sqlalchemy(error: sqlite3.Error, prepared: Prepared) -> BaseException:
    """Return SQLite's error as SQLAlchemy's type for it."""
    return sa.exc.DBAPIError.instance(
        prepared.sql, None, error, sqlite3.Error, hide_parameters=True
    )

"""Statements on SQLite, on the event loop's thread.

A hand-over to another thread costs more than SQLite takes for a few rows that an index finds. So
does what SQLAlchemy does at each execution, to work out which parameters are bound and how: the few
statements that most transactions are made of are built once and compiled once. Those with
parameters that stand for lists are not among them.
"""

import sqlite3
from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect as sqlite

P = ParamSpec("P")
T = TypeVar("T")
Write = sa.Insert | sa.Update | sa.Delete
Rows = sa.Select[Any] | Write
"""A statement that gives rows back: a SELECT, or another with RETURNING."""
_Conversions = tuple[tuple[int, Callable[[Any], Any]], ...]
"""Conversions of values that SQLite neither takes nor gives as they are, by place; null is null."""

_DIALECT: Final = sqlite()
# The driver looks for an adapter of each value that is no str, int or float, and finding none takes
# ten times as long: 5 % of a notification, whose rows have many nulls.
sqlite3.register_adapter(type(None), {None: None}.get)
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(memoryview, bytes)
_Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement as SQLite takes it."""

    sql: str
    names: tuple[str, ...]
    """The names of the parameters, in the order of their `?`."""
    own: Mapping[str, Any]
    """Values that the statement itself brings along."""
    conversions: _Conversions
    row: Callable[[Iterable[Any]], Any]
    """Makes a row with a name for each column."""
    row_conversions: _Conversions

    def bind(self, given: Mapping[str, Any]) -> list[Any]:
        """Return the values for its `?`, in order. Raises KeyError if one is missing."""
        if self.own:
            given = {**self.own, **given}
        return _converted([*map(given.__getitem__, self.names)], self.conversions)

    def read(self, found: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Return SQLite's rows with the names of their columns."""
        return [self.row(_converted(list(values), self.row_conversions)) for values in found]


def _converted(values: list[Any], conversions: _Conversions) -> list[Any]:
    for place, convert in conversions:
        if (value := values[place]) is not None:
            values[place] = convert(value)
    return values


@cache
def prepare(statement: Rows, columns: tuple[str, ...]) -> Prepared:
    """Compile a statement that is built once, for parameters of these names."""
    compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
    assert isinstance(compiled, sa.sql.compiler.SQLCompiler)  # noqa: S101  # of such a statement
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    given = (
        statement.column_descriptions
        if isinstance(statement, sa.Select)
        else statement.returning_column_descriptions
    )
    columns_given = [str(column["name"]) for column in given]
    row = cast("Any", namedtuple)("Row", columns_given)  # noqa: PYI024  # its names are known here
    types = [bind.type for bind in binds], [column["type"] for column in given]
    into, out_of = ([one.dialect_impl(_DIALECT) for one in some] for some in types)
    return Prepared(
        compiled.string,
        names=tuple(bind.key for bind in binds),
        own={bind.key: bind.value for bind in binds if not bind.required},
        conversions=_conversions(one.bind_processor(_DIALECT) for one in into),
        row=row._make,
        row_conversions=_conversions(one.result_processor(_DIALECT, None) for one in out_of),
    )


def _conversions(found: Iterable[Callable[[Any], Any] | None]) -> _Conversions:
    return tuple((place, one) for place, one in enumerate(found) if one is not None)


class SqliteConnection:
    """SQLAlchemy's `AsyncConnection`, in part: statements are carried out at once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._driver = driver_of(connection)
        self._is_listened_to = bool(connection.dispatch.before_cursor_execute)
        """True if SQLAlchemy has to report each statement to a listener."""

    @property
    def dialect(self) -> sa.Dialect:
        return self._connection.dialect

    async def execute(
        self, statement: sa.Executable, parameters: _Parameters | None = None
    ) -> sa.CursorResult[Any]:
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
        return self._connection.scalar(statement, parameters)

    async def run_sync(
        self,
        function: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return function(self._connection, *args, **kwargs)


def driver_of(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # as it was opened
    return driver


def _as_sqlalchemy(error: sqlite3.Error, prepared: Prepared) -> BaseException:
    """Return SQLite's error as SQLAlchemy's type for it."""
    return sa.exc.DBAPIError.instance(
        prepared.sql, None, error, sqlite3.Error, hide_parameters=True
    )


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
        if self._connection is not None:
            self._connection.close()
        self.sync_engine.dispose()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, check_same_thread=False, isolation_level=None
        )
        connection.execute("PRAGMA query_only=ON")
        return connection

"""One SQLite file: statements on the event loop's thread, and the connection that writes.

A thread switch costs more than a few rows that an index finds, and so does SQLAlchemy's analysis of
parameters at each execution. So frequent statements are built and compiled once, except those with
parameters for lists.
"""

import asyncio
import sqlite3
from collections import deque, namedtuple
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect as sqlite

from crewgate.store.unreadable import read_json

P = ParamSpec("P")
T = TypeVar("T")
Write = sa.Insert | sa.Update | sa.Delete
Rows = sa.Select[Any] | Write
"""A SELECT, or another statement with RETURNING."""
_Conversions = tuple[tuple[int, Callable[[Any], Any]], ...]
"""Conversions of values for SQLite, by position; null stays null."""

_DIALECT: Final = sqlite(json_deserializer=read_json)
# The driver looks for an adapter of each value that is no str, int or float. A search that finds
# none is ten times slower: 5 % of a notification's time. These adapters return the value unchanged.
sqlite3.register_adapter(type(None), {None: None}.get)
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(memoryview, bytes)
_Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A statement compiled for SQLite, with the conversions of its parameters and results."""

    sql: str
    names: tuple[str, ...]
    """The names of the parameters, in the order of their `?`."""
    own: Mapping[str, Any]
    """The values that the statement itself gives to some of its parameters."""
    conversions: _Conversions
    row: Callable[[Iterable[Any]], Any]
    row_conversions: _Conversions

    def bind(self, given: Mapping[str, Any]) -> list[Any]:
        """Return the values for each `?`, in order. Raises KeyError if a value is missing."""
        if self.own:
            given = {**self.own, **given}
        return _converted([*map(given.__getitem__, self.names)], self.conversions)

    def read(self, found: Iterable[tuple[Any, ...]]) -> list[Any]:
        return [self.row(_converted(list(values), self.row_conversions)) for values in found]


def _converted(values: list[Any], conversions: _Conversions) -> list[Any]:
    for place, convert in conversions:
        if (value := values[place]) is not None:
            values[place] = convert(value)
    return values


@cache
def prepare(statement: Rows, columns: tuple[str, ...]) -> Prepared:
    """Compile a prebuilt statement, for parameters of these names."""
    compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
    assert isinstance(compiled, sa.sql.compiler.SQLCompiler), "a Core statement compiles to SQL"
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    given = (
        statement.column_descriptions
        if isinstance(statement, sa.Select)
        else statement.returning_column_descriptions
    )
    columns_given = [str(column["name"]) for column in given]
    row = cast("Any", namedtuple)("Row", columns_given)  # noqa: PYI024  # the column names are known at run time only
    types = [bind.type for bind in binds], [column["type"] for column in given]
    into, out_of = ([one.dialect_impl(_DIALECT) for one in some] for some in types)
    return Prepared(
        sql=compiled.string,
        names=tuple(bind.key for bind in binds),
        own={bind.key: bind.value for bind in binds if not bind.required},
        conversions=_conversions(one.bind_processor(_DIALECT) for one in into),
        row=row._make,
        row_conversions=_conversions(one.result_processor(_DIALECT, None) for one in out_of),
    )


def _conversions(found: Iterable[Callable[[Any], Any] | None]) -> _Conversions:
    return tuple((place, one) for place, one in enumerate(found) if one is not None)


class SqliteConnection:
    """The used part of SQLAlchemy's `AsyncConnection`; statements run in the calling thread."""

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
    assert isinstance(driver, sqlite3.Connection), "the driver is sqlite3"
    return driver


def _as_sqlalchemy(error: sqlite3.Error, prepared: Prepared) -> BaseException:
    return sa.exc.DBAPIError.instance(
        prepared.sql, None, error, sqlite3.Error, hide_parameters=True
    )


def _engine(path: str, pragmas: Iterable[str], **options: Any) -> sa.Engine:
    """Return an engine for a SQLite file whose connections begin with these pragmas."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    return sa.create_engine(
        "sqlite://", creator=connect, hide_parameters=True, json_deserializer=read_json, **options
    )


class SqliteReader:
    """Reads one SQLite file on the event loop's thread: few rows, found by an index.

    No statement waits for a connection or interrupts another.
    """

    def __init__(self, path: str, *, busy_seconds: float) -> None:
        """A statement waits up to `busy_seconds` for a locked file."""
        pragmas = (f"busy_timeout={round(busy_seconds * 1000)}", "query_only=ON")
        #: The synchronous engine inside, to which listeners of SQLAlchemy's events are attached.
        self.sync_engine = _engine(path, pragmas, poolclass=sa.pool.StaticPool)
        self._connection: sa.Connection | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SqliteConnection]:
        """Yield the connection; each statement sees all commits before it."""
        if self._connection is None:
            self._connection = self.sync_engine.connect()
        yield SqliteConnection(self._connection)

    async def dispose(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self.sync_engine.dispose()


#: The most transactions in one commit: the first waits for the last; more would save little time.
BATCH: Final = 64
_LOST: Final = "SQLite took back the whole batch of transactions"
_FAILURES: Final = (sa.exc.SQLAlchemyError, sqlite3.Error, OSError)


@dataclass(eq=False, slots=True)
class _Turn:
    come: asyncio.Future[SqliteConnection] = field(default_factory=asyncio.Future)
    """A future that is done when the transaction may run its statements."""
    over: asyncio.Future[bool] = field(default_factory=asyncio.Future)
    """A future that is done when the statements have run; False undoes their changes."""
    durable: asyncio.Future[None] = field(default_factory=asyncio.Future)
    """A future that is done when the batch is committed."""
    follows: bool = False
    """An earlier transaction of the batch may have changed what this one reads."""

    def pass_by(self) -> None:
        """Fail the transaction, if its turn to write has not come."""
        if not self.come.done():
            self.fail(sa.exc.TimeoutError("the turn to write to SQLite did not come"))

    def fail(self, error: BaseException) -> None:
        waits_for = self.durable if self.come.done() else self.come
        if not waits_for.done():
            waits_for.set_exception(error)
            waits_for.exception()  # else asyncio logs an error that nobody awaits


class SqliteWriter:
    """Writes to one SQLite file: one transaction at a time, several transactions in a commit.

    A commit syncs the disk, and costs far more than the few indexed rows of a transaction. So
    transactions that arrive during a commit run in turn, each in a savepoint, and are committed
    together; `begin` returns only when that commit is durable.

    Only slow steps run in a thread: opening the file, waiting for the lock, and the end of a batch.

    A transaction waits up to `turn_seconds` for its turn.
    """

    def __init__(self, path: str, *, pragmas: Iterable[str], turn_seconds: float) -> None:
        self._turn_seconds = turn_seconds
        #: The synchronous engine inside, to which listeners of SQLAlchemy's events are attached.
        self.sync_engine = _engine(
            path,
            tuple(pragmas),
            poolclass=sa.pool.QueuePool,
            pool_size=1,
            max_overflow=0,
            pool_reset_on_return=None,
        )
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: deque[_Turn] = deque()
        self._batches: asyncio.Task[None] | None = None

    @property
    def dialect(self) -> sa.Dialect:
        return self.sync_engine.dialect

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteConnection]:
        """Begin a transaction, durable once the `with` body has ended without an exception.

        Raises sqlalchemy.exc.TimeoutError if its turn does not come. An exception undoes only this
        transaction's changes. If the transaction may have read changes of its batch that are not
        durable yet, the exception waits for their commit; if the commit fails, its error is raised.
        """
        turn = _Turn()
        self._waiting.append(turn)
        if self._batches is None or self._batches.done():
            self._batches = asyncio.create_task(self._work())
        late = asyncio.get_running_loop().call_later(self._turn_seconds, turn.pass_by)
        is_kept = False
        try:
            yield await turn.come
            is_kept = True
        finally:
            late.cancel()
            if not turn.over.done():
                turn.over.set_result(is_kept)
            if is_kept or turn.follows:
                await turn.durable

    async def dispose(self) -> None:
        """Close the file after the waiting transactions."""
        if self._batches is not None:
            await asyncio.wait([self._batches])
        await self._in_thread(self.sync_engine.dispose)
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

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
        # Transactions are answered here, and not at the end of their savepoints. That would be
        # sooner, but a crash before the commit would lose a decision that was acknowledged.
        for turn in taken:
            if not turn.durable.done():  # done if its caller was cancelled
                turn.durable.set_result(None)

    async def _carry_out(self, taken: list[_Turn], connection: sa.Connection) -> bool:
        """Run each waiting transaction in its own savepoint; return True if one ended well."""
        driver = driver_of(connection)
        lent = SqliteConnection(connection)
        stored = False
        while self._waiting and len(taken) < BATCH:
            turn = self._waiting.popleft()
            if turn.come.done():  # its caller was cancelled, or its time is over
                continue
            taken.append(turn)
            turn.follows = stored
            driver.execute("SAVEPOINT turn")
            turn.come.set_result(lent)
            is_kept = await turn.over
            if not driver.in_transaction:
                # A full disk and the like end the whole transaction, savepoints and all:
                # https://www.sqlite.org/lang_transaction.html
                raise sqlite3.OperationalError(_LOST)
            if not is_kept:
                driver.execute("ROLLBACK TO turn")
            stored |= is_kept
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
            # SQLAlchemy must know of the transaction: then migrations leave the commit to `_end`;
            # otherwise they would begin a transaction themselves, and commit it.
            connection.begin()
            # Take the write lock first: a transaction that begins with reads could fail to get it.
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
        """Close a connection in any state; the next batch opens another."""
        connection.invalidate()
        connection.close()

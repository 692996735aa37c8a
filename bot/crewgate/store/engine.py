"""Connections: engines for SQLite or PostgreSQL, set up so that commits are durable."""

import asyncio
import fcntl
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import IO, Any, Final, Generic, TypeAlias
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import TypeVar

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.masking import Masking
from crewgate.store.sqlite import Rows, SqliteConnection, SqliteReader, SqliteWriter, Write
from crewgate.store.unreadable import read_json


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn errors of an unavailable database into StoreUnavailable.

    A broken constraint or query is a bug of the bot, and raises as before.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError):
        raise
    except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.DatabaseError, OSError) as error:
        raise StoreUnavailable(_why(error.__cause__ or error)) from error


def _why(cause: BaseException) -> str:
    match cause:
        case FileNotFoundError(filename=None):
            return "PostgreSQL does not answer at this socket: start it"
        case socket.gaierror():
            return "the host name of the database is not known"
    return str(cause) or f"no answer ({type(cause).__name__})"


#: The seconds that a write waits for its turn before the database counts as unavailable. A crew
#: waits for the answer to its notification about 30 s, so this leaves room to answer 503.
TURN_SECONDS = 10
#: The seconds that a read for the outbox waits for a locked SQLite file: few, for meanwhile the
#: event loop stands still.
OUTBOX_READ_SECONDS = 0.05
#: The seconds that emptying SQLite's log waits until no reader uses it; meanwhile writers wait too.
SCRUB_SECONDS = 1
#: The seconds that PostgreSQL has for one statement.
STATEMENT_SECONDS = 10
#: The seconds after which PostgreSQL ends a transaction without a statement, to free its locks.
#: PostgreSQL notices a killed bot at once, but neither a suspended one nor a vanished machine.
IDLE_SECONDS = 30
#: The seconds after which a connection to PostgreSQL is pinged before its next use.
REST_SECONDS = 10
#: The connections to PostgreSQL for requests of people and crews, and as many more for the outbox:
#: a crew must not wait for its answer behind a hundred workers that look for jobs. SQLite has
#: READERS connections for people's reads.
CONNECTIONS = 5
READERS = 4
#: The database has outputs, feedback and credentials: only the bot's own user may read its files.
_OWNER_ONLY = 0o600

_READS_ONLY = "query_only=ON"
#: SQLite overwrites deleted texts, so that none stays in the file.
_OVERWRITE = "secure_delete=ON"
#: A decision must survive a power cut: WAL alone does not promise that, FULL does.
#: https://www.sqlite.org/pragma.html#pragma_synchronous
_DURABLE = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={TURN_SECONDS * 1000}",
    _OVERWRITE,
    # Savepoints are undone from memory; otherwise SQLite writes their journal to a file.
    "temp_store=MEMORY",
)

Connection: TypeAlias = AsyncConnection | SqliteConnection


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """A transaction's connection, in the place of an engine for classes that read."""

    connection: Connection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        yield self.connection


Reader: TypeAlias = AsyncEngine | SqliteReader
T = TypeVar("T")
R_co = TypeVar("R_co", bound=Reader, default=AsyncEngine, covariant=True)


async def write(
    connection: Connection,
    statement: Write,
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]],
) -> int:
    """Run a prebuilt statement; return the number of rows that it changed."""
    if isinstance(connection, SqliteConnection):
        return connection.write(statement, parameters)
    return (await connection.execute(statement, parameters)).rowcount


async def rows(
    connection: Connection, statement: Rows, parameters: Mapping[str, Any]
) -> Sequence[Any]:
    if isinstance(connection, SqliteConnection):
        return connection.rows(statement, parameters)
    return (await connection.execute(statement, parameters)).all()


class Reading:
    """The base of classes that read, on an engine's connections or on a transaction's."""

    def __init__(self, reader: Reader | OpenConnection) -> None:
        self._reader = reader

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        with translate_errors():
            async with self._reader.connect() as connection:
                yield connection

    async def _rows(
        self, statement: sa.Select[Any], parameters: Mapping[str, Any] | None = None
    ) -> Sequence[sa.Row[Any]]:
        async with self._connected() as connection:
            return (await connection.execute(statement, parameters)).all()

    async def _prepared(
        self, statement: sa.Select[Any], parameters: Mapping[str, Any]
    ) -> Sequence[Any]:
        if isinstance(self._reader, OpenConnection):
            return await rows(self._reader.connection, statement, parameters)
        async with self._connected() as connection:
            return await rows(connection, statement, parameters)


class Changing(Reading):
    """The base of classes that change rows, and read them, on a transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(OpenConnection(connection))
        self._connection = connection


class MaskedReading(Reading):
    """The base of classes that read texts, which each crew's settings mask."""

    def __init__(
        self, reader: Reader | OpenConnection, masking: Mapping[str, Masking] = MappingProxyType({})
    ) -> None:
        super().__init__(reader)
        self._masking = masking

    async def _off_loop(self, read: Callable[[], T]) -> T:
        """Read rows in a thread if their texts are masked: a hostile text can take a second."""
        return await asyncio.to_thread(read) if any(self._masking.values()) else read()


@dataclass(frozen=True, slots=True)
class Engines(Generic[R_co]):
    """The engines for writing and reading; on PostgreSQL one pool serves both."""

    write: AsyncEngine | SqliteWriter
    read: R_co
    background: "Engines[Reader] | None" = None
    """The engines for the outbox and its workers; None in these engines themselves."""
    lock: IO[str] | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.write.dialect.name == "sqlite"

    @property
    def for_outbox(self) -> "Engines[Reader]":
        return self.background or self

    @property
    def free_bytes(self) -> int | None:
        """The free bytes on the disk of the SQLite file; None for PostgreSQL."""
        if self.lock is None:
            return None
        disk = os.fstatvfs(self.lock.fileno())
        return disk.f_bavail * disk.f_frsize

    async def dispose(self) -> None:
        for engine in {self.write, self.for_outbox.write, self.read, self.for_outbox.read}:
            await engine.dispose()
        if self.lock is not None:
            self.lock.close()


def open_engines(url: str) -> Engines:
    """Open the engines for a database URL with an async driver.

    Nothing is connected yet. Raises StoreUnavailable when another bot has the SQLite file.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    return Engines(*_open_postgresql(parsed), Engines(*_open_postgresql(parsed)))


def open_readers(url: str) -> AsyncEngine | None:
    """Open an engine that only reads, beside a running bot; None if the SQLite file is missing."""
    return open_beside(url, pragma=_READS_ONLY)


def open_beside(
    url: str, *, seconds: float = TURN_SECONDS, pragma: str = _OVERWRITE
) -> AsyncEngine | None:
    """Open an engine for a small write beside a running bot; None if the SQLite file is missing.

    A write waits up to `seconds` for a locked SQLite file.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, connect_args={"timeout": 5}, hide_parameters=True)
    return _open_file(parsed, pragma, seconds) if Path(parsed.database or "").exists() else None


def _open_file(
    url: sa.URL, pragma: str, seconds: float = TURN_SECONDS, **options: Any
) -> AsyncEngine:
    """Open an engine for a SQLite file whose connections wait up to `seconds` for a lock."""
    engine = create_async_engine(
        url,
        connect_args={"timeout": seconds},
        hide_parameters=True,
        json_deserializer=read_json,
        **options,
    )
    _run_at_connect(engine, f"PRAGMA {pragma}")
    return engine


def _run_at_connect(engine: AsyncEngine, statement: str) -> None:
    def run(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    sa.event.listen(engine.sync_engine, "connect", run)


@asynccontextmanager
async def only_connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection, and dispose of its engine at the end. Raises StoreUnavailable."""
    try:
        with translate_errors():
            async with engine.connect() as connection:
                yield connection
    finally:
        await engine.dispose()


async def scrub(url: str) -> bool:
    """Empty SQLite's write-ahead log, which still has removed texts; return False if it is in use.

    A no-op on PostgreSQL, where VACUUM does this.
    """
    if sa.make_url(url).get_backend_name() != "sqlite":
        return True
    engine = create_async_engine(url, connect_args={"timeout": SCRUB_SECONDS})
    async with only_connection(engine) as connection:
        done = await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return not done.scalar_one()


def _open_postgresql(url: sa.URL) -> tuple[AsyncEngine, AsyncEngine]:
    engine = create_async_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=TURN_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"timeout": 5, "command_timeout": STATEMENT_SECONDS},
    )
    engine.dialect.do_ping = _after_a_rest(engine.dialect.do_ping)  # type: ignore[assignment]
    # A statement sets the limit: connection poolers refuse settings that come with a connection.
    _run_at_connect(engine, f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    return engine, engine.execution_options(isolation_level="AUTOCOMMIT")


def _after_a_rest(ping: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a ping that asks, in three round trips, only a connection that has rested.

    asyncpg notices that the server hung up, but not that a router dropped an unused connection.
    """
    used_at: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def is_alive(connection: Any) -> bool:
        driver, now = connection.driver_connection, perf_counter()
        has_rested = now - used_at.get(driver, -REST_SECONDS) >= REST_SECONDS
        used_at[driver] = now
        return not driver.is_closed() and (not has_rested or ping(connection))

    return is_alive


def _open_sqlite(url: sa.URL) -> Engines:
    """Open one writing connection, so that no write meets a lock, and a few reading connections.

    Reads for people may take long and run in threads; the outbox reads rows by their keys.
    """
    path = url.database or ""
    lock = claim_file(path)
    write = SqliteWriter(path, pragmas=_DURABLE, turn_seconds=TURN_SECONDS)
    read = _open_file(
        url, _READS_ONLY, pool_size=READERS, max_overflow=0, pool_timeout=TURN_SECONDS
    )
    background = SqliteReader(path, busy_seconds=OUTBOX_READ_SECONDS)
    return Engines(write, read, Engines(write, background), lock)


def claim_file(path: str) -> IO[str]:
    """Lock and create the SQLite file, for this bot and its user alone.

    Two bots on one file would take each other's jobs for a crashed process's. Symbolic links are
    followed, as SQLite does. A file with several hard links is refused: SQLite has a log for each,
    and corrupts it: https://www.sqlite.org/howtocorrupt.html#_multiple_links_to_the_same_file
    """
    try:
        path = os.path.realpath(path)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # The open file holds the lock, so it is closed only with the engines.
        lock = os.fdopen(_open_private(f"{path}.lock", os.O_WRONLY | os.O_CREAT), "w")
    except OSError as error:
        raise StoreUnavailable(f"the folder of {path} cannot be written: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreUnavailable(f"another bot is using {path}") from error
    make_private(path)
    if Path(path).is_file() and Path(path).stat().st_nlink > 1:
        lock.close()
        raise StoreUnavailable(
            f"{path} has another name (a hard link), under which another bot could use it: remove"
            " that, or put a copy in its place"
        )
    return lock


def make_private(path: str) -> None:
    """Let only this user read the database file, made if missing, and SQLite's files beside it.

    SQLite gives the files beside a database the permissions of the database.
    """
    with suppress(OSError):  # SQLite reports the error when it connects
        os.close(_open_private(path, os.O_RDWR | os.O_CREAT))
    for beside in ("-wal", "-shm"):
        with suppress(OSError):
            Path(path + beside).chmod(_OWNER_ONLY)


def _open_private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC, _OWNER_ONLY)
    # Only its owner may change a file's permissions; the bot uses another user's file as it is.
    with suppress(PermissionError):
        os.fchmod(descriptor, _OWNER_ONLY)
    return descriptor


log = structlog.get_logger(__name__)

_BEGAN: Final = "crewgate began"


@contextmanager
def log_statements() -> Iterator[None]:
    """Log all statements of the `with` body; SQLAlchemy then runs SQLite's too, more slowly."""
    sa.event.listen(sa.Engine, "before_cursor_execute", _before)
    sa.event.listen(sa.Engine, "after_cursor_execute", _after)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", _before)
        sa.event.remove(sa.Engine, "after_cursor_execute", _after)


# SQLAlchemy calls listeners with more arguments than these two need.
def _before(connection: sa.Connection, *_: Any) -> None:
    connection.info[_BEGAN] = perf_counter()


def _after(connection: sa.Connection, _cursor: object, statement: str, *_: Any) -> None:
    took = perf_counter() - connection.info.pop(_BEGAN)
    log.debug("statement", sql=" ".join(statement.split()), ms=round(1000 * took, 1))

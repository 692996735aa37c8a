"""The age of a database, and its migration at the start."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from crewgate import __version__
from crewgate.domain.errors import StoreUnavailable
from crewgate.encryption import Cipher
from crewgate.store.engine import Connection, make_private
from crewgate.store.secret_keys import find_needed
from crewgate.store.sqlite import SqliteWriter, driver_of
from crewgate.store.tables import metadata, written_by

log = structlog.get_logger(__name__)

MIGRATIONS: Final = Path(__file__).parent / "migrations"
#: The newest revision, by the names of the files; a test compares it with Alembic's answer.
HEAD: Final = max(path.name[:4] for path in MIGRATIONS.glob("versions/[0-9]*.py"))
#: The oldest known revision: older tables cannot be migrated.
BASELINE: Final = "0039"
#: The last commit that migrates older tables to BASELINE.
MIGRATES_OLDER: Final = "5cb48358"

#: Alembic's own table, as Alembic makes it. It is made here in an empty database, because loading
#: Alembic would take 7 MB for good, and a tenth of the time of a start.
alembic_version: Final = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

#: The number of the advisory lock for migrating: several bots may start at once on one PostgreSQL.
_ADVISORY_LOCK: Final = 727_301


@dataclass(frozen=True, slots=True)
class Age:
    """The age of a database: its tables' revision, and the version that wrote it last."""

    revision: str | None
    """The revision of its tables; None without tables."""
    version: str | None
    """The version that wrote it last; None without tables."""


async def migrate(engine: AsyncEngine | SqliteWriter, keys: Sequence[str] = ()) -> None:
    """Make the tables, or run the missing migrations, in one transaction.

    A no-op on a database that this version wrote last. A SQLite file of an older version is copied
    beside it first, with a line in the log. Raises StoreUnavailable for a database of a later
    version, or from before BASELINE, and SecretKeysRefused if these keys do not open its
    credentials; nothing is changed then.
    """
    async with _begin(engine) as connection:
        age = await connection.run_sync(age_of)
        refuse_unknown(age)
        if age.version == __version__ and age.revision == HEAD:
            return
        if age.revision is not None:
            await find_needed(connection, Cipher(keys))
        copy = await connection.run_sync(_bring_up, age)
    if age.revision is not None:
        log.info("database_upgraded", since=age.version, version=__version__, copy=copy)


def age_of(connection: sa.Connection) -> Age:
    if not sa.inspect(connection).has_table(alembic_version.name):
        return Age(None, None)
    revision = connection.scalar(sa.select(alembic_version.c.version_num))
    # A database from before BASELINE may have no table `written_by`.
    is_known = revision is not None and revision >= BASELINE
    return Age(revision, connection.scalar(sa.select(written_by.c.version)) if is_known else None)


def refuse_unknown(age: Age) -> None:
    """Raise StoreUnavailable for a database that only later or earlier code knows."""
    if age.version is not None and _order(age.version) > _order(__version__):
        raise StoreUnavailable(
            f"Crewgate {age.version} wrote the database last, and this is {__version__}: run"
            f" {age.version} or a later one, or restore a backup from before"
        )
    if age.revision is not None and age.revision > HEAD:
        raise StoreUnavailable(
            f"a later Crewgate has migrated the database to {age.revision}, and this one knows it"
            f" up to {HEAD}: run the later one, or restore a backup from before"
        )
    if age.revision is not None and age.revision < BASELINE:
        raise StoreUnavailable(
            f"an older Crewgate made the database, of version {age.revision}, and this one goes on"
            f" from {BASELINE}: start the build of the commit {MIGRATES_OLDER} once, which brings"
            " it there, then this one"
        )


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall("[0-9]+", version)))


def _bring_up(connection: sa.Connection, age: Age) -> str | None:
    """Migrate the database; return the place of its copy, if one was made."""
    copy = None
    if age.revision is None:
        metadata.create_all(connection, checkfirst=False)
        alembic_version.create(connection)
        connection.execute(sa.insert(alembic_version), {"version_num": HEAD})
    else:
        if connection.dialect.name == "sqlite":
            copy = _copy_beside(driver_of(connection), age.revision)
        if age.revision != HEAD:
            # Only a migration needs Alembic: a start without one does not import it.
            from alembic import command  # noqa: PLC0415
            from alembic.config import Config  # noqa: PLC0415

            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)
    connection.execute(sa.delete(written_by))
    connection.execute(sa.insert(written_by), {"version": __version__})
    return copy


def _copy_beside(held: sqlite3.Connection, revision: str) -> str:
    """Copy a SQLite file that the transaction has not changed yet; return the copy's name.

    The copy appears whole or not at all, and replaces no earlier one; only an incomplete copy of a
    killed start is replaced.
    """
    path = held.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    name = f"{path}.before-{__version__}-{revision}"
    names = chain([name], (f"{name}.{number}" for number in count(2)))
    copy, unfinished = next(one for one in names if not Path(one).exists()), f"{name}.part"
    try:
        Path(unfinished).unlink(missing_ok=True)
        make_private(unfinished)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as made:
            source.backup(made)
        Path(unfinished).replace(copy)
    except (OSError, sqlite3.Error) as error:
        # The incomplete copy may have filled the disk, so it is removed.
        with suppress(OSError):
            Path(unfinished).unlink(missing_ok=True)
        raise StoreUnavailable(
            f"no copy could be made beside it before the upgrade, so nothing was changed: {error}"
        ) from error
    return copy


@asynccontextmanager
async def _begin(engine: AsyncEngine | SqliteWriter) -> AsyncIterator[Connection]:
    """Begin a transaction without a time limit, one process at a time.

    On PostgreSQL the bot's own connections end a statement after seconds; migrating a large table,
    or waiting for a process that does, takes minutes.
    """
    if not isinstance(engine, AsyncEngine):
        async with engine.begin() as connection:
            yield connection
        return
    patient = create_async_engine(
        engine.url, poolclass=sa.NullPool, connect_args={"timeout": 5}, hide_parameters=True
    )
    async with patient.begin() as only:
        await only.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        yield only

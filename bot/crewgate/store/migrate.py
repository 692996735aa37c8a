"""Bringing a database to the present shape, at start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from crewgate.domain.errors import StoreUnavailable
from crewgate.store.engine import Connection
from crewgate.store.sqlite_writer import SqliteWriter
from crewgate.store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision in `migrations/versions`; a test holds it against Alembic's own answer.
HEAD: Final = "0026"
#: The first one there: the tables of a database that is older are not known any longer.
BASELINE: Final = "0026"

#: Any number, the same in every process: several may start at once on one PostgreSQL.
_ADVISORY_LOCK: Final = 727_301


async def migrate(engine: AsyncEngine | SqliteWriter) -> None:
    """Make the tables, or run the missing migrations, in one transaction.

    A no-op on an up-to-date database. Raises StoreUnavailable where a later version has migrated
    it, or none up to BASELINE, and changes nothing then.
    """
    async with _begin(engine) as connection:
        version = await connection.run_sync(_version)
        refuse_unknown(version)
        if version is None:
            await connection.run_sync(_create)
        elif version != HEAD:
            await connection.run_sync(_upgrade)


def refuse_unknown(version: str | None) -> None:
    """Raise StoreUnavailable for a database whose tables only later or earlier code knows."""
    if version is not None and version > HEAD:
        raise StoreUnavailable(
            f"a later Crewgate has migrated the database to {version}, and this one knows it up to"
            f" {HEAD}: run the later one, or restore a backup from before"
        )
    if version is not None and version < BASELINE:
        raise StoreUnavailable(
            f"an older Crewgate made the database, of version {version}, and this one goes on from"
            f" {BASELINE}: start the last Crewgate that migrates older ones once (CHANGELOG.md says"
            " which), then this one"
        )


def _create(connection: sa.Connection) -> None:
    # Not needed at an ordinary start, so not imported then.
    from alembic import command  # noqa: PLC0415

    metadata.create_all(connection, checkfirst=False)
    command.stamp(_config(connection), HEAD)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415  # the same

    command.upgrade(_config(connection), HEAD)


def _config(connection: sa.Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415  # the same

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


@asynccontextmanager
async def _begin(engine: AsyncEngine | SqliteWriter) -> AsyncIterator[Connection]:
    """A transaction in which one process at a time takes as long as it needs.

    On PostgreSQL the bot's own connections end a statement after seconds; to migrate a large table,
    or to wait for a process that does, takes minutes.
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


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found

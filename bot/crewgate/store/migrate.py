"""Bringing a database to the present shape, at start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from crewgate.domain.errors import StoreUnavailable
from crewgate.store.engine import Connection
from crewgate.store.sqlite_writer import SqliteWriter

#: The newest revision in `migrations/versions`; a test holds it against Alembic's own answer.
HEAD: Final = "0026"

#: Any number, the same in every process: several may start at once on one PostgreSQL.
_ADVISORY_LOCK: Final = 727_301


async def migrate(engine: AsyncEngine | SqliteWriter) -> None:
    """Run the missing migrations, in one transaction. A no-op on an up-to-date database.

    Raises StoreUnavailable where a later version has migrated it, and changes nothing then.
    """
    async with _begin(engine) as connection:
        version = await connection.run_sync(_version)
        refuse_later(version)
        if version != HEAD:
            await connection.run_sync(upgrade)


def refuse_later(version: str | None) -> None:
    """Raise StoreUnavailable for a database whose tables only later code knows."""
    if version is not None and version > HEAD:
        raise StoreUnavailable(
            f"a later Crewgate has migrated the database to {version}, and this one knows it up to"
            f" {HEAD}: run the later one, or restore a backup from before"
        )


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision."""
    # Not needed at an ordinary start, so not imported then.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


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

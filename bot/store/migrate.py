"""Bringing a database to the present shape, at start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.sqlite_writer import SqliteWriter

#: The newest revision in `migrations/versions`; a test holds it against Alembic's own answer.
HEAD: Final = "0023"

#: Any number, the same in every process: several may start at once on one PostgreSQL.
_ADVISORY_LOCK: Final = 727_301


async def migrate(engine: AsyncEngine | SqliteWriter) -> None:
    """Run the missing migrations, in one transaction. A no-op on an up-to-date database."""
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        if await connection.run_sync(_revision) != HEAD:
            await connection.run_sync(upgrade)


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision."""
    # Not needed at an ordinary start, so not imported then.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found

"""Asking the database, without changing it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate.check.findings import Finding, wrong
from crewgate.domain.errors import StoreUnavailable
from crewgate.store.engine import open_readers
from crewgate.store.failures import translate_errors
from crewgate.store.migrate import HEAD, refuse_unknown
from crewgate.store.tables import email_owners

_VERSIONS: Final = "alembic_version"


async def check_database(url: str) -> Finding:
    """Whether it answers, and whether it will be migrated."""
    subject = "database"
    engine = open_readers(url)
    if engine is None:
        return Finding(subject, "no file yet; it is made at the first start")
    try:
        version = await _version_of(engine)
    except StoreUnavailable as error:
        return wrong(subject, f"{error}; check DATABASE_URL")
    finally:
        await engine.dispose()
    if version is None:
        return Finding(subject, "empty; it is filled at the first start")
    behind = "" if version == HEAD else f", will be migrated from {version} to {HEAD}"
    return Finding(subject, f"answers{behind}")


@asynccontextmanager
async def of_this_version(engine: AsyncEngine | None) -> AsyncIterator[AsyncEngine]:
    """The engine, if its database is there and migrated; disposed of at the end.

    Raises StoreUnavailable.
    """
    if engine is None:
        raise StoreUnavailable("there is no database yet; start the bot once")
    try:
        if await _version_of(engine) != HEAD:
            raise StoreUnavailable(
                "the database is of another version; start the bot once and try again"
            )
        yield engine
    finally:
        await engine.dispose()


async def _version_of(engine: AsyncEngine) -> str | None:
    """Its version; None while it is empty. Raises StoreUnavailable, also for one unknown."""
    with translate_errors():
        async with engine.connect() as connection:
            if not await connection.run_sync(lambda each: sa.inspect(each).has_table(_VERSIONS)):
                return None
            found = await connection.scalar(sa.text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608 - a constant
    refuse_unknown(found)
    return None if found is None else str(found)


async def address_owners(url: str) -> Mapping[str, str]:
    """Whom addresses stand for, by address; nothing while there is no such table."""
    engine = open_readers(url)
    if engine is None:
        return {}
    try:
        with translate_errors():
            async with engine.connect() as connection:
                return {
                    row.address: row.user_id
                    for row in await connection.execute(sa.select(email_owners))
                }
    except (sa.exc.ProgrammingError, StoreUnavailable):
        return {}  # what is wrong with the database is said once
    finally:
        await engine.dispose()

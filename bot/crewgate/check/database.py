"""The check of the database, which changes nothing."""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate import __version__
from crewgate.check.findings import Finding, wrong
from crewgate.domain.errors import StoreUnavailable
from crewgate.encryption import Cipher
from crewgate.runtime import Runtime
from crewgate.store.engine import open_beside, open_readers
from crewgate.store.failures import translate_errors
from crewgate.store.migrate import HEAD, Age, age_of, refuse_unknown
from crewgate.store.secret_keys import SecretKeysRefused, find_needed, find_used
from crewgate.store.tables import email_owners
from crewgate.store.transaction import Tx

Begin = Callable[[], AbstractAsyncContextManager[Tx]]


async def check_database(url: str, keys: Sequence[str] = ()) -> Finding:
    """Check that the database answers, its version, and that the keys open its credentials."""
    subject = "database"
    folder = _folder_of(url)
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        why = (
            "may not be written to; let this user" if folder.is_dir() else "does not exist; make it"
        )
        return wrong(subject, f"the folder {folder} {why}, or correct DATABASE_URL")
    engine = open_readers(url)
    if engine is None:
        return Finding(subject, "no file yet; it is made at the first start")
    cipher, needed = Cipher(keys), set[str]()
    try:
        age = await _age_of(engine)
        if age.revision is not None:
            with translate_errors():
                async with engine.connect() as connection:
                    needed = await find_needed(connection, cipher)
                    if keys and age.revision == HEAD:
                        needed |= await find_used(connection, cipher)
    except (SecretKeysRefused, StoreUnavailable) as error:
        hint = "; check DATABASE_URL" if isinstance(error, StoreUnavailable) else ""
        return wrong(subject, f"{error}{hint}")
    finally:
        await engine.dispose()
    if age.revision is None:
        return Finding(subject, "empty; it is filled at the first start")
    if age == Age(HEAD, __version__):
        older = [f"{at}" for at, name in enumerate(cipher.names[1:], start=2) if name in needed]
        keep = f"; until `crewgate rotate` has run, SECRET_KEYS needs number {', '.join(older)} too"
        return Finding(subject, f"answers{keep if older else ''}")
    copied = ", after a copy beside it" if engine.dialect.name == "sqlite" else ""
    upgraded = f"wrote it last; {__version__} brings it up to date at the start{copied}"
    return Finding(subject, f"answers; Crewgate {age.version} {upgraded}")


def _folder_of(url: str) -> Path | None:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database).absolute().parent


@asynccontextmanager
async def of_this_version(engine: AsyncEngine | None) -> AsyncIterator[AsyncEngine]:
    """Yield the engine if its database is there and migrated; dispose of it at the end.

    Raises StoreUnavailable.
    """
    if engine is None:
        raise StoreUnavailable("there is no database yet; start the bot once")
    try:
        age = await _age_of(engine)
        if age.revision != HEAD:
            # Where a key is lost the bot does not start, and only that version forgets it.
            others = f", or do this with Crewgate {age.version}, which wrote it last"
            raise StoreUnavailable(
                "the database is of another version; start the bot once and try again"
                + (others if age.revision else "")
            )
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def transactions_beside(url: str) -> AsyncIterator[Begin]:
    """Yield a function that begins transactions beside a running bot.

    Both raise StoreUnavailable.
    """
    runtime = Runtime()
    async with of_this_version(open_beside(url)) as engine:

        @asynccontextmanager
        async def begin() -> AsyncIterator[Tx]:
            with translate_errors():
                async with engine.begin() as connection:
                    if engine.dialect.name == "sqlite":
                        # What is read first must hold until it is written.
                        await connection.exec_driver_sql("BEGIN IMMEDIATE")
                    tx = Tx(connection, clock=runtime.clock)
                    yield tx
                    await tx.flush()

        yield begin


@asynccontextmanager
async def write_beside(url: str) -> AsyncIterator[Tx]:
    """Begin a transaction beside a running bot. Raises StoreUnavailable."""
    async with transactions_beside(url) as begin, begin() as tx:
        yield tx


async def _age_of(engine: AsyncEngine) -> Age:
    with translate_errors():
        async with engine.connect() as connection:
            age = await connection.run_sync(age_of)
    refuse_unknown(age)
    return age


async def address_owners(url: str) -> Mapping[str, str]:
    """Return the accounts of e-mail addresses, by address; empty while there is no such table."""
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

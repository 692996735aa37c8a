"""The keys that credentials are encrypted with: which are needed, and encrypting all with one."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate.domain.errors import CrewgateError
from crewgate.encryption import Cipher, Unreadable, key_of
from crewgate.store.engine import Connection
from crewgate.store.failures import translate_errors
from crewgate.store.sqlite_writer import SqliteWriter
from crewgate.store.statements import insert_once
from crewgate.store.tables import Secret, metadata, secret_keys
from crewgate.usecases.ports.base import Sleep

#: The rows that are read at once.
BATCH: Final = 100
#: The seconds that a running bot has the database for itself between two changes.
_PAUSE_SECONDS: Final = 0.001


class SecretKeysRefused(CrewgateError):
    """SECRET_KEYS does not fit what is stored; says what to do."""


async def use_keys(engine: AsyncEngine | SqliteWriter, keys: Sequence[str]) -> None:
    """Encrypt with the first of these keys from now on, and read with any.

    Raises SecretKeysRefused.
    """
    cipher = Cipher(keys)
    with translate_errors():
        async with engine.begin() as connection:
            needed = await find_needed(connection, cipher)
            if keys and cipher.names[0] not in needed:
                await _add(connection, cipher)
    Secret.cipher = cipher


async def find_needed(connection: Connection, cipher: Cipher) -> set[str]:
    """Return the names of the keys that credentials may be encrypted with.

    Raises SecretKeysRefused if the cipher does not have one of them.
    """
    found = (await connection.execute(sa.select(secret_keys))).all()
    try:
        return {name for name, canary in found if cipher.decrypt(canary)}
    except Unreadable as lost:
        raise SecretKeysRefused(
            f"SECRET_KEYS: credentials in the database are encrypted with the key {lost}, and none"
            " here opens them: put it back, until `crewgate rotate` has run with it; if it is lost,"
            " stop the bot, and `crewgate rotate --forget` takes out what only that key opens"
        ) from None


async def _add(connection: Connection, cipher: Cipher) -> None:
    row = {"name": cipher.names[0], "canary": cipher.encrypt("crewgate")}
    await insert_once(connection, secret_keys, row)


async def rotate(
    engine: AsyncEngine, keys: Sequence[str], *, forget: bool, sleep: Sleep
) -> tuple[int, int]:
    """Encrypt every credential with the first key, also beside a running bot.

    Return how many were not, and how many no key opens; `forget` takes those out. Afterwards no
    other key is needed, unless one that cannot be read stays. Raises SecretKeysRefused.
    """
    cipher = Secret.cipher = Cipher(keys)
    newest = cipher.names[0]
    async with engine.connect() as connection:
        if not forget and newest not in await find_needed(connection, cipher):
            raise SecretKeysRefused(
                f"SECRET_KEYS: no bot runs with its first key, {newest}, yet, and none could read"
                " what is encrypted with that: restart the bot, and try again"
            )
    done = lost = 0
    for table in metadata.sorted_tables:
        if any(isinstance(one.type, Secret) for one in table.c):
            async for row in _stored_rows(engine, table):
                values, unreadable = _read(row, table, newest, forget=forget)
                lost += unreadable
                if values:
                    done += len(values) - (unreadable if forget else 0)
                    await _encrypt(engine, table, row, newest, forget=forget)
                    await sleep(_PAUSE_SECONDS)
    if forget or not lost:
        async with engine.begin() as connection:
            others = sa.delete(secret_keys).where(secret_keys.c.name != newest)
            await connection.execute(others)
            await _add(connection, cipher)
    if engine.dialect.name == "sqlite":
        async with engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return done, lost


def _stored(table: sa.Table) -> sa.Select[Any]:
    """Select what is stored, not what it means."""
    return sa.select(
        *(
            sa.type_coerce(one, one.type.impl).label(one.name)
            if isinstance(one.type, Secret)
            else one
            for one in table.c
        )
    )


async def _stored_rows(engine: AsyncEngine, table: sa.Table) -> AsyncIterator[sa.Row[Any]]:
    key = list(table.primary_key)
    batch = following = _stored(table).order_by(*key).limit(BATCH)
    while True:
        async with engine.connect() as connection:
            rows = (await connection.execute(following)).all()
        if not rows:
            return
        for row in rows:
            yield row
        last = (rows[-1]._mapping[one.name] for one in key)
        following = batch.where(sa.tuple_(*key) > sa.tuple_(*last))


def _read(
    row: sa.Row[Any], table: sa.Table, newest: str, *, forget: bool
) -> tuple[dict[str, Any], int]:
    """Return the values that are to be stored anew, and how many no key opens."""
    values: dict[str, Any] = {}
    lost = 0
    for column in table.c:
        kind, stored = column.type, row._mapping[column.name]
        if not isinstance(kind, Secret) or stored is None:
            continue
        try:
            plain = kind.opened(stored)
            if key_of(stored) != newest:
                values[column.name] = plain
        except Unreadable:
            lost += 1
            if forget:
                values[column.name] = None if column.nullable else kind.unreadable
    return values, lost


async def _encrypt(
    engine: AsyncEngine, table: sa.Table, row: sa.Row[Any], newest: str, *, forget: bool
) -> None:
    """Encrypt one row: who holds one lock only keeps no bot waiting for what it waits for."""
    this = sa.and_(*(one == row._mapping[one.name] for one in table.primary_key))
    async with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Nothing of what is replaced may stay in the file.
            await connection.exec_driver_sql("PRAGMA secure_delete=ON")
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        # It may be another by now, or gone.
        for now in (await connection.execute(_stored(table).where(this).with_for_update())).all():
            values, _ = _read(now, table, newest, forget=forget)
            if values:
                await connection.execute(sa.update(table).where(this).values(values))

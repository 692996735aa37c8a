"""The keys of stored credentials: finding the needed keys, and encrypting anew."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate.domain.errors import CrewgateError
from crewgate.encryption import KEY_ENDS, Cipher, Unreadable, key_of
from crewgate.store.column_types import Secret, SecretJson
from crewgate.store.engine import Connection, translate_errors
from crewgate.store.sqlite import SqliteWriter
from crewgate.store.statements import insert_once, setting
from crewgate.store.tables import heartbeat, metadata, secret_keys
from crewgate.usecases.ports.base import Sleep

#: The most rows that one transaction encrypts anew on SQLite: a running bot waits until it ends.
BATCH: Final = 50
#: The seconds between two such transactions, in which the bot's own transactions have their turn.
_PAUSE_SECONDS: Final = 0.02


class SecretKeysRefused(CrewgateError):
    """SECRET_KEYS does not fit the stored credentials; the message has the advice."""


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

    Raises SecretKeysRefused if the cipher lacks one of these keys.
    """
    found = (await connection.execute(sa.select(secret_keys))).all()
    try:
        return {name for name, canary in found if cipher.decrypt(canary)}
    except Unreadable as lost:
        raise _lacking(str(lost)) from None


def _lacking(name: str) -> SecretKeysRefused:
    return SecretKeysRefused(
        f"SECRET_KEYS: credentials in the database may be encrypted with the key {name}, and"
        " none here opens them: put it back, until `crewgate rotate` has run with it; if it is"
        " lost, stop the bot, and `crewgate rotate --forget` takes out what only that key opens"
    )


async def find_used(connection: Connection, cipher: Cipher) -> set[str]:
    """Return the names of the keys that credentials are encrypted with; reads all credentials.

    The table of keys is not enough: after a rotation, a bot that was not restarted encrypts with an
    older key. Raises SecretKeysRefused if the cipher lacks one of these keys.
    """
    used = set[str | None]()
    for table in metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, Secret):
                stored: sa.ColumnElement[Any] = sa.type_coerce(column, column.type.impl)
                if isinstance(column.type, SecretJson):
                    stored = sa.func.trim(sa.cast(stored, sa.Text), '"')
                begins = sa.select(sa.func.substr(stored, 1, KEY_ENDS)).distinct()
                used |= {key_of(one) for (one,) in await connection.execute(begins)}
    found = {name for name in used if name is not None}
    if lost := found - {*cipher.names}:
        raise _lacking(min(lost))
    return found


async def _add(connection: Connection, cipher: Cipher) -> None:
    row = {"name": cipher.names[0], "canary": cipher.encrypt("crewgate")}
    await insert_once(connection, secret_keys, row)


async def rotate(
    engine: AsyncEngine, keys: Sequence[str], *, forget: bool, sleep: Sleep
) -> tuple[int, int]:
    """Encrypt every credential with the first key, also beside a running bot.

    Return the numbers of newly encrypted and of unreadable credentials; `forget` removes unreadable
    ones. Afterwards no other key is needed, unless unreadable credentials stay. Raises
    SecretKeysRefused.
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
        if _stored(table):
            async for encrypted, unreadable in _batches(engine, table, forget=forget):
                done, lost = done + encrypted, lost + unreadable
                if encrypted:
                    await sleep(_PAUSE_SECONDS)
    if forget or not lost:
        async with engine.begin() as connection:
            others = sa.delete(secret_keys).where(secret_keys.c.name != newest)
            await connection.execute(others)
            await _add(connection, cipher)
    return done, lost


async def count_unreadable(engine: AsyncEngine, keys: Sequence[str]) -> Counter[str]:
    Secret.cipher = Cipher(keys)
    found = Counter[str]()
    async with engine.connect() as connection:
        for table in metadata.sorted_tables:
            if stored := _stored(table):
                async with connection.stream(sa.select(*stored)) as rows:
                    async for row in rows:
                        found.update(f"{table.name}.{name}" for name in _read(table, row)[1])
    return found


async def last_alive(engine: AsyncEngine) -> datetime | None:
    async with engine.connect() as connection:
        found: datetime | None = await connection.scalar(sa.select(sa.func.max(heartbeat.c.at)))
    return found


def _stored(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """Return a table's credentials as they are stored."""
    return [sa.type_coerce(one, one.type.impl) for one in table.c if isinstance(one.type, Secret)]


async def _batches(
    engine: AsyncEngine, table: sa.Table, *, forget: bool
) -> AsyncIterator[tuple[int, int]]:
    is_sqlite = engine.dialect.name == "sqlite"
    key = list(table.primary_key)
    batch = sa.select(*key, *_stored(table)).order_by(*key).with_for_update()
    same = [one == sa.bindparam(f"b_{one.name}") for one in key]
    # On PostgreSQL a transaction locks only one row, and so is part of no deadlock.
    batch = following = batch.limit(BATCH if is_sqlite else 1)
    while True:
        done = lost = 0
        async with engine.begin() as connection:
            if is_sqlite:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            rows = (await connection.execute(following)).all()
            changes: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
            for row in rows:
                plain, forgotten = _read(table, row[len(key) :])
                done, lost = done + len(plain), lost + len(forgotten)
                if values := plain | (forgotten if forget else {}):
                    this = {f"b_{one.name}": value for one, value in zip(key, row, strict=False)}
                    changes[tuple(values)].append(values | this)
            for names, several in changes.items():
                change = sa.update(table).values(setting(table, *names))
                await connection.execute(change.where(*same), several)
        if not rows:
            return
        yield done, lost
        following = batch.where(sa.tuple_(*key) > sa.tuple_(*rows[-1][: len(key)]))


def _read(table: sa.Table, row: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values to encrypt anew, and the replacements of unreadable values.

    `row` has the credentials as they are stored.
    """
    plain: dict[str, Any] = {}
    forgotten: dict[str, Any] = {}
    kinds = ((one, one.type) for one in table.c if isinstance(one.type, Secret))
    for (column, kind), stored in zip(kinds, row, strict=True):
        try:
            opened = kind.opened(stored)
        except Unreadable:
            forgotten[column.name] = None if column.nullable else kind.unreadable
        else:
            if stored is not None and key_of(stored) != Secret.cipher.names[0]:
                plain[column.name] = opened
    return plain, forgotten

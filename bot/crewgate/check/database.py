"""The check of the database, `crewgate rotate`, and transactions beside a running bot."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate import __version__
from crewgate.check.findings import Finding, NotDone, say, wrong
from crewgate.domain.audit import OPERATOR, Code, Entry
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.parsers import InvalidSetting, parse_reviewers
from crewgate.domain.people import Email, EmailOwner, User
from crewgate.encryption import MAKE_KEY, Cipher
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings
from crewgate.slack.words.names import counted
from crewgate.store import secret_keys
from crewgate.store.engine import (
    claim_file,
    only_connection,
    open_beside,
    open_readers,
    scrub,
    translate_errors,
)
from crewgate.store.migrate import HEAD, Age, age_of, refuse_unknown
from crewgate.store.replay import Replay
from crewgate.store.tables import email_owners
from crewgate.store.transaction import Tx
from crewgate.store.unreadable import unreadable
from crewgate.usecases.ports.base import MISSED

Begin = Callable[[], AbstractAsyncContextManager[Tx]]


async def check_database(url: str, keys: Sequence[str] = ()) -> Finding:
    """Check that the database answers, its version, and that the keys open its credentials."""
    place = "database"
    folder = _folder_of(url)
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        why = (
            "may not be written to; let this user" if folder.is_dir() else "does not exist; make it"
        )
        return wrong(place, f"the folder {folder} {why}, or correct DATABASE_URL")
    engine = open_readers(url)
    if engine is None:
        return Finding(place, "no file yet; it is made at the first start")
    cipher, needed = Cipher(keys), set[str]()
    try:
        age = await _age_of(engine)
        if age.revision is not None:
            with translate_errors():
                async with engine.connect() as connection:
                    needed = await secret_keys.find_needed(connection, cipher)
                    if keys and age.revision == HEAD:
                        needed |= await secret_keys.find_used(connection, cipher)
            if age.revision == HEAD:
                await Replay(engine).read_open()
            await _try_a_write(url)
    except (secret_keys.SecretKeysRefused, StoreUnavailable) as error:
        return wrong(place, f"{error}{_hint(error, url)}")
    finally:
        await engine.dispose()
    damaged = ", ".join(f"{one} of {table}" for table, one in unreadable().items())
    if damaged or age.revision is None:
        says = f"rows that cannot be read: {damaged}; the log of the bot names each"
        empty = Finding(place, "empty; it is filled at the first start")
        return wrong(place, says) if damaged else empty
    if age == Age(HEAD, __version__):
        older = [f"{at}" for at, name in enumerate(cipher.names[1:], start=2) if name in needed]
        keep = f"; until `crewgate rotate` has run, SECRET_KEYS needs number {', '.join(older)} too"
        return Finding(place, f"answers{keep if older else ''}")
    copied = ", after a copy beside it" if engine.dialect.name == "sqlite" else ""
    upgraded = f"wrote it last; {__version__} brings it up to date at the start{copied}"
    return Finding(place, f"answers; Crewgate {age.version} {upgraded}")


#: The seconds that `check` waits for a bot's writes: a longer lock counts as another program's.
_LOCKED = 2
_ROOM = 16 * 2**20


async def _try_a_write(url: str) -> None:
    """Begin and roll back a SQLite write. Raises StoreUnavailable, also if disk space is short."""
    folder = _folder_of(url)
    engine = None if folder is None else open_beside(url, seconds=_LOCKED)
    if folder is None or engine is None:
        return
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if free < _ROOM:
        raise StoreUnavailable(f"{free // 2**20:,} MiB left on its disk")
    async with only_connection(engine) as connection:
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        await connection.rollback()


def _hint(error: Exception, url: str) -> str:
    """Return what to do about a database that does not answer, or takes no write."""
    file = sa.make_url(url).database
    if not isinstance(error, StoreUnavailable) or "left on its disk" in str(error):
        return ""
    if "locked" in str(error):
        return f" by another program; `fuser -v {file}` names it"
    return "; check DATABASE_URL"


def _folder_of(url: str) -> Path | None:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database).absolute().parent


@asynccontextmanager
async def of_this_version(engine: AsyncEngine | None) -> AsyncIterator[AsyncEngine]:
    """Yield the engine of a migrated database; dispose of it at the end.

    Raises StoreUnavailable if the database is missing, unreachable or of another version.
    """
    if engine is None:
        raise StoreUnavailable("there is no database yet; start the bot once")
    try:
        age = await _age_of(engine)
        if age.revision != HEAD:
            # While a key is lost no bot starts, and a start would bring the database up to date: so
            # only the version that wrote it last can run `rotate --forget`.
            others = f", or do this with Crewgate {age.version}, which wrote it last"
            raise StoreUnavailable(
                "the database is of another version; start the bot once and try again"
                + (others if age.revision else "")
            )
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def transactions_beside(url: str, *, writes: bool = True) -> AsyncIterator[Begin]:
    """Yield a function that begins transactions beside a running bot.

    Without `writes`, such a transaction takes no write lock on SQLite, and the bot never waits for
    it. This function and the yielded one raise StoreUnavailable.
    """
    runtime = Runtime()
    async with of_this_version(open_beside(url)) as engine:

        @asynccontextmanager
        async def begin() -> AsyncIterator[Tx]:
            with translate_errors():
                async with engine.begin() as connection:
                    if writes and engine.dialect.name == "sqlite":
                        # The write lock is taken before the reads, so that the values read still
                        # hold at the write.
                        await connection.exec_driver_sql("BEGIN IMMEDIATE")
                    tx = Tx(connection, clock=runtime.clock)
                    yield tx
                    await tx.flush()

        yield begin


@asynccontextmanager
async def write_beside(url: str) -> AsyncIterator[Tx]:
    async with transactions_beside(url) as begin, begin() as tx:
        yield tx


async def _age_of(engine: AsyncEngine) -> Age:
    with translate_errors():
        async with engine.connect() as connection:
            age = await connection.run_sync(age_of)
    refuse_unknown(age)
    return age


async def address_owners(url: str) -> Mapping[str, str]:
    """Return the user ids that e-mail addresses stand for, by address; empty without a table."""
    engine = open_readers(url)
    if engine is None:
        return {}
    try:
        async with only_connection(engine) as connection:
            found = await connection.execute(sa.select(email_owners))
            return {row.address: row.user_id for row in found}
    except (sa.exc.ProgrammingError, StoreUnavailable):
        return {}  # `check_database` reports the error


async def confirm_reviewer(database_url: str, address: str, account: str) -> int:
    """Store that an e-mail address stands for a user id from now on. Raises StoreUnavailable."""
    try:
        named = parse_reviewers([address, account])
    except InvalidSetting:
        named = ()
    match named:
        case (Email(), User(id)):
            owner = EmailOwner(address, id)
            async with write_beside(database_url) as tx:
                before = (await tx.open_email_owner(owner)).user
                await tx.save_email_owner(replace(owner, moved_to=None))
                data = {"address": owner.address, "user": owner.user, "before": before}
                tx.audit.add(Entry(Code.CONFIRMED, OPERATOR, data))
        case _:
            say(f"✗ {address} {account}: give an e-mail address and a user id (U…)")
            return 1
    was = f" (was {before})" if before != account else ""
    say(f"✓ {address} stands for {account}{was}; a running bot follows soon")
    return 0


Ask = Callable[[str], str]
"""Asks somebody at the terminal. Raises EOFError if nobody is there."""


#: A running bot may have keys that this command lacks: `--forget` would take out what it can read.
_STOP_FIRST = "stop the bot first, nothing was taken out"


async def run_rotate(
    settings: Settings, *, forget: bool = False, yes: bool = False, ask: Ask = input
) -> int:
    """Encrypt all credentials anew; with `forget`, remove unreadable ones. Return 1 if some remain.

    Raises StoreUnavailable, SecretKeysRefused, and NotDone for `forget` while a bot runs.
    """
    keys = settings.secret_keys
    if not keys:
        say(f"✗ SECRET_KEYS is not set; set it to what `{MAKE_KEY}` prints, and restart the bot")
        return 1
    async with of_this_version(open_beside(settings.database_url)) as engine:
        with translate_errors(), _alone(settings.database_url, forget=forget):
            if forget:
                await _see_that_none_runs(engine, Runtime().clock())
                unreadable = await secret_keys.count_unreadable(engine, keys)
                if unreadable and not _is_agreed(unreadable, yes=yes, ask=ask):
                    say("✗ nothing was taken out; to do so without a question, add --yes")
                    return 1
                if unreadable:
                    async with write_beside(settings.database_url) as tx:
                        tx.audit.add(Entry(Code.FORGOTTEN, OPERATOR, {"credentials": unreadable}))
            done, lost = await secret_keys.rotate(
                engine, keys, forget=forget, sleep=Runtime().sleep
            )
    is_scrubbed = await scrub(settings.database_url)
    if lost and not forget:
        say(
            f"✗ {counted(lost, 'credential')} cannot be read with any key: put the missing one back"
            " into SECRET_KEYS; if it is lost for good, --forget takes out what only it opens"
        )
        return 1
    if not is_scrubbed:
        say("! the database's -wal file is in use and may have what was replaced: try again")
    say(f"✓ encrypted {counted(done, 'credential')} with the first key; no other is needed now")
    if lost:
        say(f"! took out {counted(lost, 'credential')} that no key opens")
    return 0


@contextmanager
def _alone(url: str, *, forget: bool) -> Iterator[None]:
    """Keep bots from a SQLite file, if `forget` is set. Raises NotDone if one uses the file."""
    parsed = sa.make_url(url)
    if not forget or parsed.get_backend_name() != "sqlite":
        yield
        return
    try:
        lock = claim_file(parsed.database or "")
    except StoreUnavailable as error:
        raise NotDone(f"{_STOP_FIRST}: {error}") from error
    with lock:
        yield


async def _see_that_none_runs(engine: AsyncEngine, now: datetime) -> None:
    """Raise NotDone if a bot has lately noted in PostgreSQL that it runs."""
    at = None if engine.dialect.name == "sqlite" else await secret_keys.last_alive(engine)
    if at is not None and abs(now - at) <= MISSED:
        why = f"one ran at {at:%H:%M:%S} UTC; if all are stopped, wait for a minute"
        raise NotDone(f"{_STOP_FIRST}: {why}")


def _is_agreed(unreadable: Counter[str], *, yes: bool, ask: Ask) -> bool:
    """Print the credentials to remove; return True if somebody agrees."""
    say("! no key in SECRET_KEYS opens these; the right key, put back, loses nothing:")
    for place, count in sorted(unreadable.items()):
        say(f"    {place}: {count:,}")
    try:
        return yes or ask("Take them out for good? Type yes: ").strip() == "yes"
    except EOFError:
        return False

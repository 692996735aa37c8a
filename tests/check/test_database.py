"""The database as `crewgate check` and other commands beside a running bot find it."""

from itertools import product
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from crewgate import __version__
from crewgate.check.database import address_owners, check_database, confirm_reviewer
from crewgate.check.findings import Mark
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.encryption import Cipher
from crewgate.store.column_types import Secret
from crewgate.store.engine import Engines
from crewgate.store.migrate import HEAD
from crewgate.store.secret_keys import use_keys
from crewgate.store.unit_of_work import UnitOfWork
from tests.builders import a_dead_letter, a_secret_key

ADDRESS = "lead@example.com"


async def be_of(version: str, engines: Engines) -> None:
    async with engines.write.begin() as connection:
        change = sa.text("UPDATE alembic_version SET version_num = :version")
        await connection.execute(change, {"version": version})


async def test_credentials_that_no_key_opens_are_told(
    engines: Engines, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = a_secret_key(1), a_secret_key(2)
    await use_keys(engines.write, [old])
    assert str(await check_database(database_url, [old])) == "✓ database: answers"
    assert str(await check_database(database_url, [new, old])) == (
        "✓ database: answers; until `crewgate rotate` has run, SECRET_KEYS needs number 2 too"
    )
    for head, keys in product((HEAD, "9999"), ([new], [])):  # also before an upgrade
        monkeypatch.setattr("crewgate.check.database.HEAD", head)
        said = str(await check_database(database_url, keys))
        assert said.startswith("✗ database: SECRET_KEYS: credentials in the database may be")


async def test_what_a_bot_encrypted_with_an_older_key_after_a_rotation_is_told(
    uow: UnitOfWork, engines: Engines, database_url: str
) -> None:
    """A process that was not restarted does, and the rotation cannot know."""
    old, new = a_secret_key(1), a_secret_key(2)
    await use_keys(engines.write, [new])
    Secret.cipher = Cipher([old])
    webhook = HumanInputWebhook("https://bot.example.com/x", "bearer", "a-token")
    async with uow.begin() as tx:
        await tx.executions.register("research", "e-1", WebhookUrls(human_input=webhook))
    assert str(await check_database(database_url, [new, old])) == (
        "✓ database: answers; until `crewgate rotate` has run, SECRET_KEYS needs number 2 too"
    )
    said = str(await check_database(database_url, [new]))
    assert f"encrypted with the key {Cipher([old]).names[0]}, and none here opens them" in said
    async with uow.begin() as tx:
        await tx.executions.register("research", "e-1", WebhookUrls())
        await tx.dead_letters.store(a_dead_letter(body=b"{}"))
    assert "needs number 2 too" in str(await check_database(database_url, [new, old]))


async def test_a_file_that_takes_no_writes_is_wrong(
    engines: Engines, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "postgresql" in database_url:
        return
    file = sa.make_url(database_url).database
    monkeypatch.setattr("crewgate.check.database._LOCKED", 0.05)
    async with engines.write.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = version_num"))
        said = str(await check_database(database_url))
    assert said == (
        f"✗ database: database is locked by another program; `fuser -v {file}` names it"
    )
    monkeypatch.setattr("crewgate.check.database._ROOM", 2**62)
    assert "MiB left on its disk" in str(await check_database(database_url))


async def test_an_older_one_will_be_upgraded(
    engines: Engines, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(await check_database(database_url)) == "✓ database: answers"
    monkeypatch.setattr("crewgate.check.database.__version__", "99.0.0")
    assert str(await check_database(database_url)) == (
        f"✓ database: answers; Crewgate {__version__} wrote it last; 99.0.0 brings it up to date at"
        " the start, after a copy beside it"
    )


async def test_what_an_upgrade_would_refuse_can_be_done_with_the_version_before(
    engines: Engines, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crewgate.check.database.HEAD", "9999")
    with pytest.raises(StoreUnavailable, match=f"or do this with Crewgate {__version__}, which"):
        await confirm_reviewer(database_url, ADDRESS, "U0BEN")


async def test_an_empty_one_is_filled_at_the_first_start(empty_database_url: str) -> None:
    engine = create_async_engine(empty_database_url)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT 1")
    await engine.dispose()
    found = await check_database(empty_database_url)
    assert str(found) == "✓ database: empty; it is filled at the first start"
    with pytest.raises(StoreUnavailable, match="start the bot once and try again"):
        await confirm_reviewer(empty_database_url, ADDRESS, "U0BEN")


async def test_one_from_before_the_first_migration_is_wrong(
    engines: Engines, database_url: str
) -> None:
    await be_of("0019", engines)
    found = await check_database(database_url)
    assert found.mark is Mark.WRONG
    assert "an older Crewgate made the database, of version 0019" in str(found)


async def test_one_from_later_code_is_wrong_and_nothing_writes_to_it(
    engines: Engines, database_url: str
) -> None:
    await be_of("9999", engines)

    found = await check_database(database_url)

    assert found.mark is Mark.WRONG
    assert (
        f"a later Crewgate has migrated the database to 9999, and this one knows it up to {HEAD}"
        in str(found)
    )
    with pytest.raises(StoreUnavailable, match="a later Crewgate"):
        await confirm_reviewer(database_url, ADDRESS, "U0BEN")
    assert await address_owners(database_url) == {}


async def test_only_an_address_and_an_account_of_a_database_that_is_there_are_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    assert await confirm_reviewer(database_url, "lead", "U0BEN") == 1
    assert await confirm_reviewer(database_url, ADDRESS, "ben") == 1
    with pytest.raises(StoreUnavailable, match="there is no database yet"):
        await confirm_reviewer(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}", ADDRESS, "U0BEN")

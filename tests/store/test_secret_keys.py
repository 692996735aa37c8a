"""Credentials are encrypted where the bot has keys, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from crewgate.domain.notification import Callback, HumanInputWebhook, Question, WebhookUrls
from crewgate.encryption import Cipher, key_of
from crewgate.store.column_types import Secret, SecretBytes, SecretJson
from crewgate.store.engine import Engines, open_beside, scrub
from crewgate.store.secret_keys import BATCH, SecretKeysRefused, find_used, rotate, use_keys
from crewgate.store.tables import (
    dead_letters,
    flow_requests,
    metadata,
    secret_keys,
    webhooks,
)
from crewgate.store.unit_of_work import UnitOfWork
from tests.builders import NOW, a_dead_letter, a_review, a_round, a_secret_key, an_output

OLD, NEW, OTHER = map(a_secret_key, range(3))
SECRETS = ("Zk4tq0task", "Zk4tq0step", "Zk4tq0crew", "Zk4tq0human", "Zk4tq0flow", "Zk4tq0dead")
CARRIED = WebhookUrls(
    task="https://caller.example.com/Zk4tq0task",
    step="https://caller.example.com/Zk4tq0step",
    crew="https://caller.example.com/Zk4tq0crew",
    human_input=HumanInputWebhook("https://bot.example.com/x", "bearer", "Zk4tq0human"),
)
CALLBACK = Callback("https://app.crewai.com/8412?token=Zk4tq0flow", "Zk4tq0flow")
BODY = b'{"callback_url": "https://x/Zk4tq0dead", "odd": "\xff"}'
ASKED = a_round(subject=Question(request_id="8412"))


@pytest.fixture
async def beside(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_beside(database_url)
    assert engine is not None
    yield engine
    await engine.dispose()


async def keep(uow: UnitOfWork) -> None:
    """Store one credential of each kind."""
    async with uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW, activity=1)
        await tx.open_review(a_review())
        await tx.open_round(ASKED, an_output(), CARRIED)
        await tx.keep_callback(ASKED, CALLBACK)
        await tx.executions.register("research", "e-1", CARRIED)
        await tx.dead_letters.store(a_dead_letter(body=BODY))


async def is_as_it_was(uow: UnitOfWork) -> None:
    assert await uow.read.webhooks(ASKED) == (CARRIED, CARRIED)
    assert await uow.read.executions.given_webhooks("research", "e-1") == CARRIED
    assert await uow.read.callback("r-1") == CALLBACK
    letter = await uow.read.dead_letters.find("d-1")
    assert letter is not None
    assert letter.body == BODY


async def stored(engine: Any) -> list[Any]:
    """Return the values in the columns of credentials, as they are stored."""
    found: list[Any] = []
    async with engine.connect() as connection:
        for table in metadata.sorted_tables:
            kinds = [(one, one.type) for one in table.c if isinstance(one.type, Secret)]
            if kinds:
                columns = [sa.type_coerce(one, kind.impl) for one, kind in kinds]
                for row in await connection.execute(sa.select(*columns)):
                    found += [one for one in row if one is not None]
    return found


async def names(engines: Engines) -> set[str]:
    async with engines.read.connect() as connection:
        return set(await connection.scalars(sa.select(secret_keys.c.name)))


async def no_sleep(_seconds: float) -> None:
    """Go on at once."""


async def encrypt_all(engine: AsyncEngine, *keys: str, forget: bool = False) -> tuple[int, int]:
    return await rotate(engine, keys, forget=forget, sleep=no_sleep)


async def break_one(engine: AsyncEngine) -> None:
    """Damage what was carried, but not what was registered."""
    async with engine.begin() as connection:
        damaged = f"encrypted:{Cipher([NEW]).names[0]}:gAAAAAdamagéd"
        await connection.execute(
            sa.update(webhooks)
            .where(webhooks.c.origin == "r-1")
            .values(task_url=sa.type_coerce(damaged, sa.Text))
        )


async def test_without_keys_all_is_stored_as_it_came(uow: UnitOfWork, engines: Engines) -> None:
    await use_keys(engines.write, ())
    await keep(uow)
    assert BODY in await stored(engines.read)
    assert CARRIED.task in await stored(engines.read)
    assert await names(engines) == set()
    await is_as_it_was(uow)


async def test_with_keys_nothing_is_stored_plain(uow: UnitOfWork, engines: Engines) -> None:
    await use_keys(engines.write, [NEW])
    await keep(uow)
    found = await stored(engines.read)
    assert {key_of(one) for one in found} == set(Cipher([NEW]).names)
    assert not [one for one in found for secret in SECRETS if secret in str(one)]
    await is_as_it_was(uow)


async def test_what_is_plain_from_before_stays_readable(uow: UnitOfWork, engines: Engines) -> None:
    await keep(uow)
    await use_keys(engines.write, [NEW])
    await is_as_it_was(uow)


async def test_what_an_older_key_encrypted_stays_readable(
    uow: UnitOfWork, engines: Engines
) -> None:
    await use_keys(engines.write, [OLD])
    await keep(uow)
    await use_keys(engines.write, [NEW, OLD])
    await is_as_it_was(uow)
    assert await names(engines) == set(Cipher([NEW, OLD]).names)


@pytest.mark.parametrize("keys", [(), (NEW,), (NEW, OTHER)])
async def test_keys_that_lack_one_are_refused(engines: Engines, keys: tuple[str, ...]) -> None:
    await use_keys(engines.write, [OLD])
    with pytest.raises(SecretKeysRefused, match=r"the key [0-9a-f]{8}, and none here .*--forget"):
        await use_keys(engines.write, keys)
    assert await names(engines) == set(Cipher([OLD]).names)


async def test_one_that_cannot_be_read_leaves_the_others_alone(
    uow: UnitOfWork, engines: Engines, beside: AsyncEngine
) -> None:
    await use_keys(engines.write, [NEW])
    await keep(uow)
    await break_one(beside)
    with capture_logs() as logs:
        registered, carried = await uow.read.webhooks(ASKED)
    assert [one["event"] for one in logs] == ["credential_unreadable"]
    assert registered == CARRIED
    assert not carried.is_readable
    assert carried.human_input == CARRIED.human_input
    assert CARRIED.task in await uow.read.executions.addresses_of("research", "e-1")
    given = await uow.read.executions.given_webhooks("research", "e-1")
    assert not given.is_readable


@pytest.mark.parametrize("keys", [(OTHER,), ()])
async def test_values_of_each_kind_that_cannot_be_read(
    uow: UnitOfWork, engines: Engines, keys: tuple[str, ...]
) -> None:
    await use_keys(engines.write, [NEW])
    await keep(uow)
    Secret.cipher = Cipher(keys)
    carried = (await uow.read.webhooks(ASKED))[1]
    assert not carried.is_readable
    assert await uow.read.executions.addresses_of("research", "e-1") == ()
    callback = await uow.read.callback("r-1")
    assert callback is not None
    assert not callback.is_readable
    letter = await uow.read.dead_letters.find("d-1")
    assert letter is not None
    assert b"SECRET_KEYS" in letter.body


@pytest.mark.parametrize("before", [(), (OLD,)])
async def test_rotating_leaves_one_key_that_is_needed(
    uow: UnitOfWork, engines: Engines, beside: AsyncEngine, before: tuple[str, ...]
) -> None:
    await use_keys(engines.write, before)
    await keep(uow)
    await use_keys(engines.write, [NEW, *before])
    assert await encrypt_all(beside, NEW, *before) == (11, 0)
    assert await encrypt_all(beside, NEW) == (0, 0)
    assert {key_of(one) for one in await stored(engines.read)} == set(Cipher([NEW]).names)
    await use_keys(engines.write, [NEW])
    await is_as_it_was(uow)


async def test_rotating_goes_on_where_it_was_stopped(
    uow: UnitOfWork, engines: Engines, beside: AsyncEngine
) -> None:
    many = BATCH + 7
    async with uow.begin() as tx:
        for number in range(many):
            await tx.executions.register("research", f"e-{number}", WebhookUrls(task="https://x/"))
    await use_keys(engines.write, [NEW])

    async def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rotate(beside, [NEW], forget=False, sleep=stop)
    left = [one for one in await stored(engines.read) if key_of(one) is None]
    assert 0 < len(left) < many
    assert await encrypt_all(beside, NEW) == (len(left), 0)
    assert len(await stored(engines.read)) == many


async def test_rotating_overwrites_nothing_that_a_bot_stores_meanwhile(
    uow: UnitOfWork, engines: Engines, beside: AsyncEngine
) -> None:
    await keep(uow)
    await use_keys(engines.write, [NEW])
    newer = WebhookUrls(task="https://caller.example.com/newer")

    async def meanwhile(_seconds: float) -> None:
        async with uow.begin() as tx:
            await tx.executions.register("research", "e-1", newer)

    await rotate(beside, [NEW], forget=False, sleep=meanwhile)
    assert (await uow.read.webhooks(ASKED))[0].task == newer.task
    assert {key_of(one) for one in await stored(engines.read)} == set(Cipher([NEW]).names)


async def test_rotating_waits_for_a_bot_with_the_newest_key(
    engines: Engines, beside: AsyncEngine
) -> None:
    await use_keys(engines.write, [OLD])
    with pytest.raises(SecretKeysRefused, match="no bot runs with its first key"):
        await encrypt_all(beside, NEW, OLD)


async def test_rotating_keeps_the_keys_while_one_value_cannot_be_read(
    uow: UnitOfWork, engines: Engines, beside: AsyncEngine
) -> None:
    await use_keys(engines.write, [NEW])
    await keep(uow)
    await break_one(beside)
    assert await encrypt_all(beside, NEW) == (0, 1)
    await use_keys(engines.write, [OTHER, NEW])
    assert await encrypt_all(beside, OTHER, NEW) == (10, 1)
    assert await names(engines) == set(Cipher([OTHER, NEW]).names)
    assert await encrypt_all(beside, OTHER, NEW, forget=True) == (0, 1)
    assert await names(engines) == set(Cipher([OTHER]).names)
    carried = (await uow.read.webhooks(ASKED))[1]
    assert carried == WebhookUrls(None, CARRIED.step, CARRIED.crew, CARRIED.human_input)


async def test_what_a_lost_key_encrypted_is_forgotten_on_demand(
    uow: UnitOfWork, engines: Engines, beside: AsyncEngine
) -> None:
    await use_keys(engines.write, [OLD])
    await keep(uow)
    with pytest.raises(SecretKeysRefused):
        await encrypt_all(beside, NEW)
    assert await encrypt_all(beside, NEW, forget=True) == (0, 11)
    await use_keys(engines.write, [NEW])
    assert await uow.read.webhooks(ASKED) == (WebhookUrls(), WebhookUrls())
    assert await uow.read.callback("r-1") is None
    letter = await uow.read.dead_letters.find("d-1")
    assert letter is not None
    assert b"SECRET_KEYS" in letter.body


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_neither_the_file_nor_its_log_shows_a_credential(
    uow: UnitOfWork, engines: Engines, beside: AsyncEngine
) -> None:
    def shown() -> set[str]:
        file = Path(beside.url.database or "")
        content = b"".join(one.read_bytes() for one in file.parent.glob("crewgate.db*"))
        return {secret for secret in SECRETS if secret.encode() in content}

    await keep(uow)
    assert shown() == set(SECRETS)
    await use_keys(engines.write, [NEW])
    await encrypt_all(beside, NEW)
    await scrub(str(beside.url))
    assert shown() == set()
    async with uow.begin() as tx:
        await tx.executions.register("research", "e-2", CARRIED)
    assert shown() == set()
    await is_as_it_was(uow)


@pytest.mark.parametrize("keys", [(), (NEW,)])
@pytest.mark.parametrize("body", [b"encrypted:00000000:", b"plain:encrypted:00000000:x"])
async def test_a_body_that_looks_encrypted_is_read_as_it_came(
    uow: UnitOfWork,
    engines: Engines,
    beside: AsyncEngine,
    keys: tuple[str, ...],
    body: bytes,
) -> None:
    await use_keys(engines.write, keys)
    async with uow.begin() as tx:
        await tx.dead_letters.store(a_dead_letter(body=body))
    await use_keys(engines.write, [NEW])
    async with engines.read.connect() as connection:
        assert await find_used(connection, Cipher([NEW])) == {*Cipher(keys).names}
    assert await encrypt_all(beside, NEW) == (0 if keys else 1, 0)
    letter = await uow.read.dead_letters.find("d-1")
    assert letter is not None
    assert letter.body == body


ALIKE = st.sampled_from(["encrypted:00000000:", "plain:", "plain:encrypted:00000000:x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.text() | ALIKE,
    lambda one: st.dictionaries(st.text(), one),
    max_leaves=10,
)


@given(st.text() | st.none() | ALIKE, JSON, st.binary() | ALIKE.map(str.encode))
def test_each_value_comes_back_as_it_was(text: str | None, value: Any, body: bytes) -> None:
    for keys in ((), (NEW, OLD)):
        Secret.cipher = Cipher(keys)
        for kind, one in ((Secret(), text), (SecretJson(), value), (SecretBytes(), body)):
            kept = kind.process_bind_param(one, None)
            assert (key_of(kept) is None) == (not keys or one is None)
            assert kind.process_result_value(kept, None) == one


def test_each_credential_has_its_kind_of_column() -> None:
    found = {
        (table.name, one.name)
        for table in metadata.sorted_tables
        for one in table.c
        if isinstance(one.type, Secret)
    }
    urls = {(webhooks.name, name) for name in ("task_url", "step_url", "crew_url", "human_input")}
    flow = {(flow_requests.name, name) for name in ("callback_url", "token")}
    assert found == urls | flow | {(dead_letters.name, "body")}

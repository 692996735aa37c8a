"""Entries are stored with what they tell of, never changed, and linked into one chain."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
import rfc8785
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.audit import BOT, Code, Entry, Head, Published, Signature, digest_of
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.outcome import Exchange, Refused, Unknown
from crewgate.domain.verdict import Revise
from crewgate.store.audit import BATCH, GENESIS, canonical, link_hash, tag_of
from crewgate.store.engine import Engines
from crewgate.store.tables import audit_entries, rounds
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.decide import take_back
from tests.builders import ANA, BEN, NOW, a_crew, a_rule
from tests.usecases.faults import Fault
from tests.usecases.world import CREW, World


async def stored(engines: Engines) -> list[sa.Row[Any]]:
    async with engines.read.connect() as connection:
        return list(await connection.execute(sa.select(audit_entries).order_by("id")))


async def bodies(engines: Engines) -> list[dict[str, Any]]:
    return [json.loads(row.body) for row in await stored(engines)]


async def codes(engines: Engines) -> list[Code]:
    return [Code(body["code"]) for body in await bodies(engines)]


async def salt_of(engines: Engines, round_id: str) -> str:
    async with engines.read.connect() as connection:
        found = await connection.scalar(sa.select(rounds.c.salt).where(rounds.c.id == round_id))
        return str(found)


async def some(uow: UnitOfWork, count: int) -> None:
    async with uow.begin() as tx:
        for number in range(count):
            tx.audit.add(Entry(Code.STARTED, BOT, {"n": number}))


async def link_all(uow: UnitOfWork) -> Head:
    while True:
        async with uow.begin() as tx:
            if await tx.audit.link() is None:
                return await tx.audit.head()


async def test_a_story_has_its_entries(world: World) -> None:
    world.crew.pause()
    round_ = (await world.notify("A draft.")).round
    await world.settle_slack()
    await world.decide(round_.id, Revise("Shorter."))
    world.crew.faults.append(Fault(Unknown("cut", exchange=None)))
    await world.turn(CREW)
    await world.settle_slack()
    told = await bodies(world.engines)
    assert [Code(one["code"]) for one in told] == [
        Code.OPENED,
        Code.SHOWN,
        Code.DECIDED,
        Code.SENDING,
        Code.IN_DOUBT,
    ]
    salt = await salt_of(world.engines, round_.id)
    opened, shown, decided, *_ = told
    assert (opened["crew"], opened["execution"]) == ("research", "e-1")
    assert opened["data"]["output"] == digest_of("A draft.", salt)
    assert shown["data"]["message_ts"]
    assert decided["actor"] == ANA.id
    assert decided["data"]["words"] == digest_of("Shorter.", salt)
    assert decided["data"]["permitted"] == [ANA.id, BEN.id]
    assert decided["data"]["named"] == {ANA.id: [ANA.id]}
    assert "Shorter." not in str([row.body for row in await stored(world.engines)])


async def test_a_refusal_has_the_digest_of_the_bytes(world: World) -> None:
    world.crew.pause()
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    world.crew.faults.append(Fault(Refused("404", "no", exchange=Exchange(b"{}", b"no"))))
    await world.turn(CREW)
    await world.retry(round_.id)
    told = await bodies(world.engines)
    assert [Code(one["code"]) for one in told[2:]] == [
        Code.SENDING,
        Code.REFUSED,
        Code.STUCK,
        Code.RETRIED,
    ]
    salt = await salt_of(world.engines, round_.id)
    assert told[3]["data"]["sent"] == digest_of(b"{}", salt)
    assert told[3]["data"]["answer"] == digest_of(b"no", salt)
    assert told[5]["actor"] == ANA.id


async def test_approvals_have_their_entries(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2, self_approval=False),))
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    await take_back(round_.id, by=ANA, context=world.reviews)
    told = await bodies(world.engines)
    assert [(one["code"], one["actor"]) for one in told[1:]] == [
        (Code.APPROVED, ANA.id),
        (Code.TAKEN_BACK, ANA.id),
    ]
    assert told[0]["data"]["rule"]
    assert told[1]["data"]["starter"] is None


async def test_what_is_rolled_back_has_no_entry(world: World, uow: UnitOfWork) -> None:
    round_ = (await world.notify()).round
    with suppress(RuntimeError):
        async with uow.begin() as tx:
            await tx.save((await tx.round(round_.id)).supersede(world.clock()).round)
            raise RuntimeError
    assert await codes(world.engines) == [Code.OPENED]


async def test_entries_are_canonical_and_say_what_their_columns_say(world: World) -> None:
    await world.notify(execution_id="e-ü")
    [row] = await stored(world.engines)
    body = json.loads(row.body)
    assert rfc8785.dumps(body) == row.body
    assert (row.crew, row.execution_id) == (body["crew"], body["execution"])
    assert row.at.isoformat(timespec="microseconds") == body["at"]
    assert (row.number, row.previous, row.hash) == (None, None, None)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text("abz_09AZ"), one, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abz_09AZ"), VALUES))
def test_the_bytes_are_those_of_the_standard(body: dict[str, Any]) -> None:
    assert canonical(body) == rfc8785.dumps(body)


def test_half_of_a_surrogate_pair_stops_no_decision() -> None:
    assert canonical({"actor": "U0\ud800"}) == b'{"actor":"U0?"}'


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_entries",
        "UPDATE audit_entries SET crew = 'another'",
        "UPDATE audit_entries SET number = 9",
        "DELETE FROM audit_heads",
        "UPDATE audit_heads SET hash = previous FROM audit_entries",
    ],
)
async def test_entries_are_never_changed(uow: UnitOfWork, engines: Engines, statement: str) -> None:
    await some(uow, 1)
    head = await link_all(uow)
    async with uow.begin() as tx:
        await tx.audit.publish(Published(head, NOW, Signature("", "")), by=BOT)
    before = await stored(engines)
    with pytest.raises((sa.exc.DBAPIError, StoreUnavailable), match="never changed"):
        async with engines.write.begin() as connection:
            await connection.execute(sa.text(statement))
    assert await stored(engines) == before


REPLACED = {
    "the entry": "INTO audit_entries SELECT id, at, crew, execution_id, '', NULL, NULL, NULL, NULL",
    "its number": "INTO audit_entries SELECT 9, at, crew, execution_id, '{}', number, '', hash, 1",
    "its link": "INTO audit_entries SELECT 9, at, crew, execution_id, '{}', 9, previous, hash, 1",
}


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(
    "statement",
    [
        *(f"INSERT OR REPLACE {one} FROM audit_entries WHERE id = 1" for one in REPLACED.values()),
        "UPDATE OR REPLACE audit_entries SET number = 1 WHERE id = 2",
        "UPDATE OR REPLACE audit_entries SET number = 9, previous = zeroblob(32) WHERE id = 2",
        "INSERT OR REPLACE INTO audit_heads SELECT number, '', at, key, '' FROM audit_heads",
    ],
)
async def test_nothing_takes_the_place_of_an_entry(
    uow: UnitOfWork, engines: Engines, statement: str
) -> None:
    """SQLite calls no trigger for the row that it replaces."""
    await some(uow, 1)
    head = await link_all(uow)
    async with uow.begin() as tx:
        await tx.audit.publish(Published(head, NOW, Signature("", "")), by=BOT)
    before = await stored(engines)
    with pytest.raises(sa.exc.DBAPIError, match="never changed"):
        async with engines.write.begin() as connection:
            await connection.execute(sa.text(statement))
    assert await stored(engines) == before


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_no_conflict_changes_an_entry(uow: UnitOfWork, engines: Engines) -> None:
    await some(uow, 1)
    over = "INSERT INTO audit_entries SELECT * FROM audit_entries ON CONFLICT (id) DO UPDATE"
    with pytest.raises(sa.exc.DBAPIError, match="never changed"):
        async with engines.write.begin() as connection:
            await connection.execute(sa.text(f"{over} SET body = ''"))


async def test_an_entry_that_is_not_linked_cannot_be_changed_either(
    uow: UnitOfWork, engines: Engines
) -> None:
    await some(uow, 1)
    with pytest.raises(sa.exc.DBAPIError, match="never changed"):
        async with engines.write.begin() as connection:
            await connection.execute(sa.text("UPDATE audit_entries SET execution_id = 'another'"))


async def test_entries_are_linked_in_batches(uow: UnitOfWork, engines: Engines) -> None:
    await some(uow, BATCH + 2)
    async with uow.begin() as tx:
        assert await tx.audit.link() is True
        assert (await tx.audit.head()).number == BATCH
    head = await link_all(uow)
    previous = GENESIS.hash
    for number, row in enumerate(await stored(engines), 1):
        assert (row.number, row.previous) == (number, previous)
        previous = link_hash(
            previous, number, tag_of(row.crew, row.execution_id), row.nth, row.body
        )
        assert row.hash == previous
    assert head == Head(BATCH + 2, previous)


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_lower_id_that_is_committed_later_is_linked_after(
    uow: UnitOfWork, engines: Engines
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def late() -> None:
        async with uow.begin() as tx:
            tx.audit.add(Entry(Code.STARTED, "late", {}))
            await tx.flush()
            tx.audit._new.clear()  # noqa: SLF001  # it is stored
            began.set()
            await go_on.wait()

    task = asyncio.create_task(late())
    await began.wait()
    await some(uow, 1)
    assert (await link_all(uow)).number == 1
    go_on.set()
    await task
    assert (await link_all(uow)).number == 2
    first, second = await stored(engines)
    assert (json.loads(first.body)["actor"], first.number) == ("late", 2)
    assert (second.number, second.hash) == (1, first.previous)


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_only_one_process_links_at_a_time(uow: UnitOfWork, engines: Engines) -> None:
    await some(uow, 1)
    async with uow.begin() as tx:
        assert await tx.audit.link() is not None
        async with uow.for_outbox().begin() as other:
            assert await other.audit.link() is None
    assert (await stored(engines))[0].number == 1


async def test_a_fork_cannot_be_written(uow: UnitOfWork, engines: Engines) -> None:
    await some(uow, 2)
    links = ((1, GENESIS.hash, b"a"), (2, GENESIS.hash, b"b"))

    async def fork() -> None:
        async with engines.write.begin() as connection:
            for link, row in zip(links, await stored(engines), strict=True):
                update = sa.update(audit_entries).where(audit_entries.c.id == row.id)
                values = dict(zip(("number", "previous", "hash"), link, strict=True))
                await connection.execute(update.values(values))

    with pytest.raises(sa.exc.IntegrityError):
        await fork()

"""A loop links entries, and publishes the head after each hour with entries."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.audit import Code, Entry, Head, Published, Signature
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.store.audit import BATCH
from crewgate.store.tables import audit_entries, audit_heads
from crewgate.usecases.audit import GIVE_WAY, LINK_EVERY, Linking
from crewgate.usecases.log_fields import acts_at
from tests.builders import NOW
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.worker_world import Logs
from tests.usecases.world import World


def sign(head: Head) -> Signature:
    return Signature("key", f"signed {head.number}")


class Stopped(Exception):
    """The loop has slept often enough."""


class Loop:
    """A loop whose sleeps are counted."""

    def __init__(
        self,
        world: World,
        *,
        channel: str | None = None,
        sign: Callable[[Head], Signature] = sign,
    ) -> None:
        self.slept: list[float] = []
        self.linking = Linking(
            world.uow, sign=sign, channel=channel, clock=world.clock, sleep=self.sleep
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        raise Stopped

    async def turn(self) -> None:
        with pytest.raises(Stopped):
            await self.linking.run()


async def add(world: World, count: int = 1) -> None:
    async with world.uow.begin() as tx:
        for _ in range(count):
            tx.audit.add(Entry(Code.BACK, "U0ANA", {}))


async def head(world: World) -> int:
    async with world.uow.begin() as tx:
        return (await tx.audit.head()).number


@both
async def test_all_that_there_is_is_linked(world: World, logs: Logs) -> None:
    await add(world, BATCH + 1)
    loop = Loop(world)
    await loop.turn()
    # Whoever waits to write has a turn before the next batch.
    assert (await head(world), loop.slept) == (BATCH, [GIVE_WAY])
    await loop.turn()
    assert loop.slept == [GIVE_WAY, LINK_EVERY]
    # The publication of the first batch is an entry too.
    assert await head(world) == BATCH + 2
    assert [one["event"] for one in logs] == ["audit_head"]
    published = await world.uow.read.audit_head(BATCH)
    assert published == Published(published.head, NOW, sign(published.head))
    assert logs[0]["head"] == str(published.head)
    assert await world.effects() == []


async def test_what_comes_meanwhile_is_linked_after_a_pause(world: World) -> None:
    await add(world, 2)
    loop = Loop(world)
    await loop.turn()
    # The publication is an entry that came while the two were linked.
    assert (await head(world), loop.slept) == (2, [LINK_EVERY])
    await loop.turn()
    assert (await head(world), loop.slept) == (3, [LINK_EVERY, LINK_EVERY])


async def test_an_act_is_told_with_its_place(world: World) -> None:
    round_ = (await world.notify()).round
    acts_at({"message_ts": "1.1"})
    await world.decide(round_.id)
    acts_at({})
    async with world.uow.begin() as tx:
        await tx.audit.link()
    async with world.engines.read.connect() as connection:
        bodies = (await connection.execute(sa.select(audit_entries.c.body))).scalars()
        assert [b'"message_ts":"1.1"' in body for body in bodies] == [False, True]


async def test_nothing_is_linked_where_there_is_nothing(world: World) -> None:
    loop = Loop(world)
    await loop.turn()
    assert (await head(world), loop.slept) == (0, [LINK_EVERY])


def heads(logs: Logs) -> list[str]:
    return [one["head"].partition(":")[0] for one in logs if one["event"] == "audit_head"]


@both
async def test_a_head_is_published_once_an_hour_is_over_by_any_process(
    world: World, logs: Logs
) -> None:
    loops = {"first": Loop(world), "second": Loop(world)}

    async def after(minutes: int, name: str, *, entries: int = 0) -> list[str]:
        world.clock.advance(timedelta(minutes=minutes))
        await add(world, entries)
        for _ in range(2):  # what is published is an entry of its own
            await loops[name].turn()
        return heads(logs)

    assert await after(0, "first", entries=1) == ["1"]  # the first of all, with its key
    assert await after(20, "second", entries=1) == ["1"]
    assert await after(20, "first", entries=1) == ["1"]
    assert await after(30, "second") == ["1", "4"]
    assert await after(0, "first") == ["1", "4"]
    # Where nothing happens, nothing is published, for days.
    assert await after(3 * 24 * 60, "first") == ["1", "4"]
    assert await after(1, "first", entries=1) == ["1", "4"]
    loops["again"] = Loop(world)
    assert await after(60, "again") == ["1", "4", "6"]
    assert await after(60, "second") == ["1", "4", "6"]


@both
async def test_what_is_left_is_published_at_the_stop(world: World, logs: Logs) -> None:
    await add(world)
    loop = Loop(world, channel="C0AUDIT")
    await loop.turn()
    await add(world, BATCH + 1)
    await loop.linking.finish()
    assert heads(logs) == ["1", f"{BATCH + 3}"]
    await loop.linking.finish()  # nothing is left
    assert heads(logs) == ["1", f"{BATCH + 3}"]
    assert await world.effects() == [EffectKind.AUDIT_HEAD] * 2


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_of_several_processes_one_publishes(world: World, logs: Logs) -> None:
    await add(world)
    first, second = Loop(world, channel="C0AUDIT"), Loop(world, channel="C0AUDIT")
    async with world.uow.begin() as tx:
        assert await tx.audit.takes_turn()
        await second.turn()  # another bot has its turn
    assert heads(logs) == []
    await asyncio.gather(*(loop.linking.link() for loop in (first, second)))
    await second.turn()
    assert heads(logs) == ["1"]
    assert await world.effects() == [EffectKind.AUDIT_HEAD]


@pytest.mark.parametrize("rewritten", ["hash", "signature"])
async def test_nothing_is_signed_beyond_a_head_that_does_not_fit(
    world: World, logs: Logs, rewritten: str
) -> None:
    await add(world)
    loop = Loop(world)
    await loop.turn()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("DROP TRIGGER audit_heads_unchanged"))
        other = {"hash": b"another", "signature": "another"}[rewritten]
        await connection.execute(sa.update(audit_heads).values({rewritten: other}))
    await add(world)
    world.clock.advance(timedelta(hours=1))
    await loop.turn()
    await loop.turn()
    assert await head(world) == 3
    assert [one["event"] for one in logs] == ["audit_head", "audit_broken"]
    assert "the published head 1 does not fit" in logs[-1]["why"]


@pytest.mark.parametrize("damaged", ["a text", b"\xff"])
async def test_a_damaged_entry_stops_no_entry_behind_it(
    world: World, logs: Logs, damaged: object
) -> None:
    await add(world)
    loop = Loop(world)
    await loop.turn()
    await add(world, 2)
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("DROP TRIGGER audit_linked_once"))
        unlinked = sa.text("UPDATE audit_entries SET body = :body WHERE id = 3")
        await connection.execute(unlinked, {"body": damaged})
    world.clock.advance(timedelta(hours=1))
    await loop.turn()
    assert heads(logs) == ["1", "4"]


async def test_another_key_is_told_of(world: World, logs: Logs) -> None:
    await add(world)
    await Loop(world).turn()
    world.clock.advance(timedelta(hours=1))
    await add(world)
    again = Loop(world, sign=lambda _: Signature("", ""))
    await again.turn()
    changed = {"event": "audit_key_changed", "log_level": "warning", "since": "key", "key": ""}
    assert changed in logs
    assert heads(logs) == ["1", "3"]


async def test_a_clock_that_jumps_back_publishes_nothing_twice(world: World, logs: Logs) -> None:
    loop = Loop(world)
    for days in (0, 2, -1, 0):
        world.clock.advance(timedelta(days=days))
        await add(world)
        await loop.turn()
    assert len(logs) == 2


async def test_a_head_is_posted_into_its_channel(world: World) -> None:
    await add(world)
    await Loop(world, channel="C0AUDIT").turn()
    assert await world.effects() == [EffectKind.AUDIT_HEAD]
    await world.settle_slack()
    [message] = world.slack.messages
    assert (message.key, message.ref.channel) == ("audit head 1 C0AUDIT", "C0AUDIT")
    assert await world.effects() == []


async def test_a_channel_that_takes_none_is_told_of(world: World, logs: Logs) -> None:
    await add(world)
    await Loop(world, channel="C0AUDIT").turn()
    refused = Refused("is_archived", "no", RefusalKind.PERMANENT)
    world.slack.faults.append(Fault(refused))
    await world.settle_slack()
    assert logs[-1] == {
        "event": "audit_head_refused",
        "log_level": "warning",
        "channel": "C0AUDIT",
        "code": "is_archived",
    }
    assert await world.effects() == []


async def test_the_loop_outlives_the_database(
    world: World, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(world)

    async def fails() -> bool:
        raise StoreUnavailable("away")

    monkeypatch.setattr(loop.linking, "link", fails)
    await loop.turn()
    await loop.linking.finish()
    assert [one["event"] for one in logs] == ["audit_not_linked"] * 2

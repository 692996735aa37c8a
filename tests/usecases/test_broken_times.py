"""A time that cannot be read, wherever one stands, stops no loop, no list and no decision."""

from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.audit import Signature
from crewgate.domain.caveats import Look
from crewgate.domain.errors import RowUnreadable
from crewgate.domain.people import User
from crewgate.domain.retry import Budget, Rate
from crewgate.domain.review import Round
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders, TimeOut, TimeoutAction
from crewgate.domain.verdict import Revise
from crewgate.store import unreadable
from crewgate.store.column_types import Instant
from crewgate.store.replay import Replay
from crewgate.store.tables import metadata, outbox, rounds
from crewgate.usecases import lessons, queries
from crewgate.usecases.audit import Linking
from crewgate.usecases.away import go_away
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.notes import claim
from crewgate.usecases.removal import remove_texts
from crewgate.usecases.stats import decisions, stats
from crewgate.usecases.waiting import next_for
from tests.builders import ANA, BEN, EVE, a_crew, a_rule
from tests.databases import both
from tests.usecases.taught import kept
from tests.usecases.world import CREW, POSTS, STATUS, World

DAY = timedelta(days=1)
#: The audit trail's own rows can be changed by nobody.
COLUMNS = [
    column
    for table in metadata.sorted_tables
    for column in table.c
    if isinstance(column.type, Instant) and not table.name.startswith("audit_")
]
TEXT, TOO_LATE, TOO_EARLY = "'later'", str(2**63 - 1), str(-(2**63))
IN_BOTH = [outbox.c.created_at, outbox.c.due_at, outbox.c.began_at, outbox.c.lease_until]
IN_BOTH += [outbox.c.failing_since, metadata.tables["heartbeat"].c.at, rounds.c.opened_at]


@pytest.fixture(autouse=True)
def _noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test before this one has met a damaged row."""
    monkeypatch.setattr("crewgate.store.unreadable._noted", {})


async def fill(world: World) -> Round:
    """Store rows in every table with a time; return a round of the second execution."""
    rule = a_rule(
        reviewers=(User(ANA.id), User(BEN.id)),
        remind=Reminders(after=Duration.parse("1h")),
        timeout=TimeOut(Duration.parse("40d"), TimeoutAction.REVISE, "Stop."),
    )
    world.crews["research"] = a_crew(rules=(rule,), digest="C0D", retention=30 * DAY)
    at, last = world.clock(), None
    for name in ("e-1", "e-2"):
        await world.start(name)
        await world.record_update(name)
        last = (await world.notify(execution_id=name)).round
        await world.settle_slack()
        card = (await world.uow.read.posting(last.id)).card
        assert card is not None
        await world.note(card, f"9.{last.id}")
        await claim(last.id, by=ANA, context=world.reviews)
        await world.store_dead_letter()
        async with world.uow.begin() as tx:
            await tx.notes.record_read_to_end(last.id, ANA, None, Look(at, at))
            await tx.executions.record_kickoff(f"k {name}", "research", None, at=at)
            await tx.executions.record_kickoff_form(f"f {name}", "research", at=at)
    await kept(world, execution="e-3")
    await world.record_update("e-3", ended="Done.")
    await go_away(EVE, BEN, until=at + 9 * DAY, context=world.reviews)
    await world.outbox.note_alive(now=at, compare=True)
    await world.outbox.pause(a_budget(POSTS), now=at, pause=timedelta(seconds=1))
    world.clock.advance(timedelta(hours=2))
    assert last is not None
    return last


def a_budget(destination: str) -> Budget:
    return Budget(destination, Rate(timedelta(microseconds=1), burst=40))


async def damage(world: World, column: sa.Column[object], value: str) -> None:
    """Write what is no time into the first row of a table."""
    table = column.table
    async with world.engines.write.begin() as connection:
        first = sa.select(*table.primary_key).order_by(*table.primary_key).limit(1)
        key = (await connection.execute(first)).one()
        where = [one == each for one, each in zip(table.primary_key, key, strict=True)]
        changed = sa.update(table).where(*where).values({column: sa.text(value)})
        await connection.execute(changed)


async def run_all(world: World) -> None:
    """Give every loop its turn, and read every list; a damaged row's own job may raise."""
    read, about = world.uow.read, world.reviews
    await world.outbox.note_alive(now=world.clock(), compare=True)
    for destination in (CREW, STATUS, "timer", POSTS, "updates", "slack"):
        leased = await world.outbox.lease(
            destination, now=world.clock(), lease=LEASE, limit=40, budget=a_budget(destination)
        )
        for job in leased.jobs:
            await unless_damaged(world.deliver(job))

    async def no_pause(_seconds: float) -> None: ...

    def sign(_head: object) -> Signature:
        return Signature("", "")

    linking = Linking(world.uow, sign=sign, channel=None, clock=world.clock, sleep=no_pause)
    await linking.link()
    async with world.uow.begin() as tx:
        await tx.removal.count("research", before=world.clock())
    texts = remove_texts(
        "research", before=world.clock() - DAY, begin=world.uow.begin, clock=world.clock
    )
    await exhaust(texts)
    await queries.queue(ANA.id, page=0, context=about)
    await queries.overview(ANA.id, clients=world.context.clients, context=about)
    await stats(ANA.id, crew="research", days=7, context=about)
    await exhaust(decisions(ANA.id, crew="research", days=7, context=about))
    await lessons.lessons_of(ANA.id, "research", context=about)
    await next_for(ANA.id, context=about)
    await read.backlog(["research"], now=world.clock())
    replay = Replay(world.engines.read)
    await exhaust(replay.since(world.clock() - 9 * DAY))
    await exhaust(replay.ended("research", world.clock() - 9 * DAY))


async def exhaust(found: AsyncIterator[object]) -> None:
    async for _ in found:
        pass


async def unless_damaged(job: Awaitable[object]) -> None:
    try:
        await job
    except RowUnreadable:
        return


async def is_unaffected(world: World, good: Round) -> None:
    """Decide on a round as its reviewer does, and see that the crew gets the decision."""
    part = await queries.pending(ANA.id, mine=False, context=world.reviews)
    assert good.id in {line.round.id for line in part.lines}
    await queries.execution("e-2", by=ANA.id, clients=world.context.clients, context=world.reviews)
    world.crew.pause(execution="e-2")
    await world.decide(good.id, Revise("Shorter."), by=BEN)
    await world.turn(CREW, limit=40)
    assert ("e-2", Revise("Shorter.")) in [
        (execution, decision.verdict) for execution, decision in world.crew.asked
    ]


@pytest.mark.parametrize("column", COLUMNS, ids=str)
async def test_a_text_in_place_of_a_time(world: World, column: sa.Column[object]) -> None:
    good = await fill(world)
    await damage(world, column, TEXT)
    await Replay(world.engines.read).read_open()
    assert unreadable.unreadable() == {column.table.name: 1}

    await run_all(world)
    await is_unaffected(world, good)


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("value", [TOO_LATE, TOO_EARLY])
@pytest.mark.parametrize("column", IN_BOTH, ids=str)
async def test_a_number_that_is_no_time(
    world: World, column: sa.Column[object], value: str
) -> None:
    good = await fill(world)
    await damage(world, column, value)
    world.clock.advance(-DAY if value == TOO_EARLY else DAY)  # sums have no room
    await run_all(world)
    await is_unaffected(world, good)


@both
@pytest.mark.parametrize("column", [outbox.c.due_at, outbox.c.lease_until], ids=str)
async def test_a_job_that_would_never_be_free_is_set_aside(
    world: World, column: sa.Column[object]
) -> None:
    await fill(world)
    await damage(world, column, TOO_LATE)
    await world.outbox.note_alive(now=world.clock(), compare=True)
    assert sum((await world.outbox.count_set_aside()).values()) == 1


async def test_a_job_whose_tries_are_no_number_is_set_aside(world: World) -> None:
    await fill(world)
    await damage(world, outbox.c.tries, TEXT)
    await run_all(world)
    assert sum((await world.outbox.count_set_aside()).values()) == 1


@both
async def test_a_beat_that_cannot_be_read_moves_no_timer(world: World) -> None:
    await fill(world)
    timers = await times_due(world)
    async with world.engines.write.begin() as connection:
        await connection.execute(
            sa.update(metadata.tables["heartbeat"]).values(at=sa.text(TOO_LATE))
        )
    assert await world.outbox.note_alive(now=world.clock(), compare=True) == timedelta()
    assert await times_due(world) == timers
    world.clock.advance(DAY)
    assert await world.outbox.note_alive(now=world.clock(), compare=True) == DAY


async def times_due(world: World) -> list[object]:
    return [row.due_at for row in await world.rows()]


async def test_a_reading_whose_times_are_lost_does_not_count(world: World) -> None:
    good = await fill(world)
    look = metadata.tables["read_to_end"]
    facts = await world.uow.read.notes.circumstances(good.id, ANA)
    assert (facts.read_to_end, facts.look is None) == (True, False)
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.update(look).values(enough_at=sa.text(TEXT)))
    facts = await world.uow.read.notes.circumstances(good.id, ANA)
    assert (facts.read_to_end, facts.look) == (False, None)


async def test_home_neither_shows_nor_counts_a_damaged_round(world: World) -> None:
    good = await fill(world)
    await damage(world, rounds.c.opened_at, TEXT)
    shown = (await queries.queue(ANA.id, page=0, context=world.reviews)).mine
    assert ([line.round.id for line in shown.lines], shown.total) == ([good.id], 1)

"""People's lists read as many rows with 36,000 rounds as with 12,000."""

import re
from typing import Any

import pytest

from crewgate.domain.effects import SLACK
from crewgate.usecases import queries as look
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.queries import overview, queue
from crewgate.usecases.read_models import COUNTED
from crewgate.usecases.waiting import next_for
from tests.builders import ANA, NOW, SECOND, a_crew
from tests.store.plans import AS_MANY, CREWS, GROWING, insert_many, recorded, rows_of, steps_of
from tests.usecases.world import World

MICROSECONDS = int(NOW.timestamp()) * 1_000_000
"""More or less when the rounds were decided."""


@pytest.fixture
def world(world: World) -> World:
    """Ana decides for two of three crews and reads all."""
    world.crews |= {name: a_crew(name, channel="C0OPEN") for name in CREWS}
    world.crews["third"] = a_crew("third", channel="C0OPEN", reviewers=())
    world.directory.channels["C0OPEN"] = {ANA.id}
    return world


async def lists(world: World) -> list[tuple[str, Any]]:
    """The statements of everything that people read of all rounds."""
    with recorded(world.engines) as statements:
        found = await queue(ANA.id, page=0, context=world.reviews)
        for mine in (True, False):
            await look.pending(ANA.id, mine=mine, context=world.reviews)
        for after in ("", "r120"):
            assert await next_for(ANA.id, after=after, context=world.reviews)
        await overview(ANA.id, clients={}, context=world.reviews)
        set_aside = await world.outbox.count_set_aside()
        await world.uow.read.executions.starting_with("many-12", crews=CREWS, limit=20)
        await world.uow.read.rounds.of_execution("research", "many-12", limit=20)
    totals = [part.total for part in (found.mine, found.others, found.stuck, found.decided)]
    assert totals == [COUNTED + 1] * 4
    assert sum(set_aside.values()) == COUNTED + 1
    assert len(statements) > 15
    return statements


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_takes_no_more_steps(world: World) -> None:
    steps = []
    for begin, count in ((0, 12_000), (12_000, 36_000)):
        await insert_many(world.engines, count, first=begin + 1, at=MICROSECONDS)
        statements = await lists(world)
        async with world.engines.read.connect() as connection:
            steps.append([await steps_of(connection, *statement) for statement in statements])
    few, many = steps
    for before, after, (statement, _) in zip(few, many, statements, strict=True):
        assert after <= before * AS_MANY, statement
    assert max(many) < 100_000


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_postgresql_looks_at_no_more_rows(world: World) -> None:
    await insert_many(world.engines, 36_000, first=1, at=MICROSECONDS)
    statements = await lists(world)
    with recorded(world.engines) as more:
        await world.uow.read.executions.crews_with("many-12")
        await world.uow.read.executions.posting("research", "many-12")
        await world.uow.read.rounds.last_approved("research", "many-12")
        await world.outbox.lease(SLACK, now=NOW + SECOND, lease=LEASE, limit=8)
    async with world.engines.read.connect() as connection:
        for statement, parameters in [*statements, *more]:
            plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            text = "\n".join(row[0] for row in plan)
            assert not re.search(rf"Seq Scan on ({GROWING})\b", text), text
        for statement, parameters in statements:
            assert await rows_of(connection, statement, parameters) < 10 * COUNTED, statement

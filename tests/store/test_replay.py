"""Stored rounds are read again page by page, and a page costs the same however many there are."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from crewgate.store.replay import PAGE, Replay
from tests.store.plans import AS_MANY, insert_many, recorded, rows_of, steps_of
from tests.usecases.world import World

EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def end_all(world: World) -> None:
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("UPDATE executions SET ended_at = began_at + 1"))


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_takes_no_more_steps_for_a_page(world: World) -> None:
    steps = []
    for begin, count in ((0, 300), (300, 1_500)):
        await insert_many(world.engines, count, first=begin + 1, at=0)
        with recorded(world.engines) as statements:
            found = [stored async for stored in Replay(world.engines.read).since(EVER)]
        assert len({stored.round.id for stored in found}) == len(found) == count
        assert len(statements) == 2 * count // PAGE + 1
        await end_all(world)
        with recorded(world.engines) as of_ended:
            ended = [one async for one, _, _ in Replay(world.engines.read).ended("research", EVER)]
        assert len(ended) == count // 3
        statements += of_ended
        async with world.engines.read.connect() as connection:
            steps.append(max([await steps_of(connection, *one) for one in statements]))
    assert steps[1] <= steps[0] * AS_MANY


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_postgresql_looks_at_no_more_rows_for_a_page(world: World) -> None:
    await insert_many(world.engines, 12_000, first=1, at=0)
    await end_all(world)
    found = 0
    with recorded(world.engines) as statements:
        async for _ in Replay(world.engines.read).since(EVER):
            found += 1
            if found == 3 * PAGE:
                break
        await Replay(world.engines.read).of_execution("research", "many-3")
        async for _ in Replay(world.engines.read).ended("research", EVER):
            found += 1
            if found > 5 * PAGE:
                break
    async with world.engines.read.connect() as connection:
        for one in statements:
            assert await rows_of(connection, *one) < 12 * PAGE, one

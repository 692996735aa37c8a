"""The waiting and the due jobs, for metrics: counted in one read that past rounds cost nothing."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.usecases.read_models import Backlog
from tests.builders import NOW, a_crew, a_rule
from tests.store.plans import AS_MANY, CREWS, insert_many, recorded, rows_of, steps_of
from tests.usecases.world import World

HOUR = timedelta(hours=1)


async def test_counts_what_waits_under_any_rule_and_what_is_due(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    first = (await world.notify(execution_id="e-1")).round
    world.clock.advance(HOUR)
    world.crews["research"] = a_crew()
    decided = (await world.notify(execution_id="e-2")).round
    await world.decide(decided.id)
    await world.notify(execution_id="e-3")
    at = first.opened_at
    now = world.clock()

    read = await world.uow.read.backlog(["research", "other"], now=now)
    assert read.waiting == {"research": (2, at)}
    assert read.due["posts:research"] == (3, at)
    assert read.due["crew:research"] == (1, now)
    assert await world.uow.read.backlog(["other"], now=at - HOUR) == Backlog({}, {})

    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("UPDATE outbox SET set_aside_at = 1"))
    assert not (await world.uow.read.backlog(["research"], now=now)).due


async def ended(world: World, last: int, *, first: int) -> None:
    """These executions have rounds that are over, but for ten of them."""
    await insert_many(world.engines, last, first=first, at=0, bare=True)
    async with world.engines.write.begin() as connection:
        await connection.execute(
            sa.text("UPDATE rounds SET state = 'RESUMED' WHERE opened_at > 10")
        )
        if connection.dialect.name == "postgresql":
            # Ten rows of many: which plan is taken must not depend on the sample that is drawn.
            await connection.execute(sa.text("SET LOCAL default_statistics_target = 1000"))
        await connection.execute(sa.text("ANALYZE"))


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_takes_no_more_steps_with_more_history(world: World) -> None:
    steps = []
    for begin, count in ((0, 1_000), (1_000, 12_000)):
        await ended(world, count, first=begin + 1)
        with recorded(world.engines) as statements:
            await world.uow.read.backlog(CREWS, now=NOW)
        [one] = statements
        async with world.engines.read.connect() as connection:
            steps.append(await steps_of(connection, *one))
    assert steps[1] <= steps[0] * AS_MANY


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_postgresql_looks_at_few_rows_of_much_history(world: World) -> None:
    await ended(world, 36_000, first=1)
    with recorded(world.engines) as statements:
        await world.uow.read.backlog(CREWS, now=NOW)
    async with world.engines.read.connect() as connection:
        assert await rows_of(connection, *statements[-1]) < 200

"""A look for what is due costs the same however much is not."""

from typing import Any, Final

import pytest
import sqlalchemy as sa

from crewgate.domain.effects import TIMER, EffectKind, forward_destination
from crewgate.usecases.delivery.worker import LEASE
from tests.builders import an_effect
from tests.store.jobs import HOUR, again, put
from tests.store.plans import AS_MANY, recorded, rows_of, steps_of
from tests.usecases.world import STATUS, World

MANY: Final = 20_000
_LATER: Final = 4_000_000_000_000_000
"""In microseconds since 1970."""
_ADD: Final = """
INSERT INTO outbox (destination, priority, ordering_key, kind, subject, crew, execution_id,
                    created_at, due_at, tries)
WITH RECURSIVE each(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM each WHERE n < {last})
SELECT '{destination}', n % 3, '{kind} r' || n, '{kind}', 'r' || n, 'research', 'e-' || n, 0,
       {due}, 0 FROM each
"""
NOT_DUE: Final = [(TIMER, "time_out"), (STATUS, "poll_status")]


async def look(world: World, destination: str, kind: str, *, first: int, last: int) -> Any:
    """The statement of a look, with so many jobs that are due later, and one that is due."""
    of = {"destination": destination, "kind": kind, "first": first, "last": last}
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text(_ADD.format(**of, due=f"{_LATER} + n")))
        await connection.execute(sa.text("DELETE FROM outbox WHERE due_at = 0"))
        await connection.execute(sa.text(_ADD.format(**of | {"first": 0, "last": 0}, due=0)))
        await connection.execute(sa.text("ANALYZE outbox"))
    with recorded(world.engines) as statements:
        leased = await world.outbox.lease(destination, now=world.clock(), lease=LEASE, limit=8)
    assert [job.effect.target for job in leased.jobs] == ["r0"]
    return next(one for one in statements if "FROM outbox" in one[0])


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(("destination", "kind"), NOT_DUE)
async def test_sqlite_takes_no_more_steps(world: World, destination: str, kind: str) -> None:
    steps = []
    for first, last in ((1, MANY // 10), (MANY // 10 + 1, MANY)):
        statement = await look(world, destination, kind, first=first, last=last)
        async with world.engines.read.connect() as connection:
            steps.append(await steps_of(connection, *statement))
    assert steps[1] <= steps[0] * AS_MANY < 1_000


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize(("destination", "kind"), NOT_DUE)
async def test_postgresql_looks_at_no_more_rows(world: World, destination: str, kind: str) -> None:
    statement = await look(world, destination, kind, first=1, last=MANY)
    async with world.engines.read.connect() as connection:
        assert await rows_of(connection, *statement) < 50


FORWARD: Final = forward_destination("research")


async def look_past(world: World) -> Any:
    """The statement of a look, with many webhooks behind one that is tried again later."""
    await put(world.uow, an_effect(EffectKind.FORWARD, target="w-0"))
    leased = await world.outbox.lease(FORWARD, now=world.clock(), lease=LEASE, limit=1)
    await again(world.uow, *leased.jobs, at=world.clock() + HOUR)
    await put(world.uow, *(an_effect(EffectKind.FORWARD, target=f"w-{n}") for n in range(1, 400)))
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("ANALYZE outbox"))
    with recorded(world.engines) as statements:
        leased = await world.outbox.lease(FORWARD, now=world.clock(), lease=LEASE, limit=8)
    assert not leased.jobs
    return next(one for one in statements if "FROM outbox" in one[0])


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_steps_over_no_webhooks_that_wait_for_another(world: World) -> None:
    statement = await look_past(world)
    async with world.engines.read.connect() as connection:
        assert await steps_of(connection, *statement) < 1_500


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_postgresql_looks_at_no_webhooks_that_wait_for_another(world: World) -> None:
    statement = await look_past(world)
    async with world.engines.read.connect() as connection:
        assert await rows_of(connection, *statement) < 50

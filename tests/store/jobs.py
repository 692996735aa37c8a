"""Jobs for the tests of the outbox, and what is done with them."""

from datetime import datetime, timedelta

from crewgate.domain.effects import SLACK, UPDATES, Effect, EffectKind, posts_destination
from crewgate.store.engine import Engines
from crewgate.store.outbox import Outbox
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.ports.base import Job
from tests.builders import NOW, SECOND, an_effect
from tests.usecases.world import HELD

CREWS = ("research", "other")
"""The crews that the settings name."""
LEASE = 75 * SECOND
POSTS = posts_destination("research")
HOUR = timedelta(hours=1)

FIRST = an_effect(EffectKind.POST, target="r-1")
SECOND_ONE = an_effect(EffectKind.NOTIFY_STUCK, target="r-1")
REFRESH = an_effect(EffectKind.REFRESH, target="r-1")
ATTACH = an_effect(EffectKind.ATTACH, target="r-1")
ELSEWHERE = an_effect(EffectKind.POST, target="r-2", execution_id="e-2")
RESUME = an_effect(EffectKind.RESUME, target="r-1")


async def put(uow: UnitOfWork, *effects: Effect, at: datetime = NOW) -> None:
    async with uow.begin() as tx:
        await tx.enqueue(effects, at=at)


async def lease(
    outbox: Outbox, *, to: str | None = None, now: datetime = NOW, limit: int = 8
) -> tuple[Job, ...]:
    """Lease what is due at a destination, by default at all of Slack's."""
    jobs: list[Job] = []
    posts = [POSTS, posts_destination("other")]
    for destination in [*posts, UPDATES, SLACK] if to is None else [to]:
        leased = await outbox.lease(destination, now=now, lease=LEASE, limit=limit - len(jobs))
        jobs += leased.jobs
    return tuple(jobs)


async def lapse(engines: Engines) -> None:
    """Let every lease end: on PostgreSQL they go by a clock that nobody can move."""
    async with engines.write.begin() as connection:
        await connection.execute(HELD.values(lease_until=NOW))


async def done(uow: UnitOfWork, job: Job) -> None:
    async with uow.begin() as tx:
        await tx.complete(job)


async def again(
    uow: UnitOfWork,
    job: Job,
    *,
    at: datetime = NOW,
    in_doubt: bool = False,
    failed_at: datetime | None = None,
) -> None:
    async with uow.begin() as tx:
        await tx.retry(job, at=at, in_doubt=in_doubt, failed_at=failed_at)


async def aside(uow: UnitOfWork, job: Job, why: str = "KeyError") -> None:
    async with uow.begin() as tx:
        await tx.set_aside(job, why, at=NOW)

"""A world whose outbox is worked on by real workers, and nobody has to sleep."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from structlog.typing import EventDict

from crewgate.domain.effects import SLACK, UPDATES
from crewgate.domain.retry import Budget
from crewgate.usecases.delivery.worker import Deliver, Pace, Worker, deliver
from crewgate.usecases.ports.base import Leased
from crewgate.usecases.ports.store import Outbox
from tests.builders import FakeClock
from tests.usecases.world import POSTS, World

Logs = list[EventDict]

SOON = Pace(poll=timedelta(milliseconds=1))
NEVER = Pace(poll=timedelta(hours=1))
"""Only `wake` makes it poll."""


@dataclass
class TickingClock(FakeClock):
    """A clock that wakes whoever waits whenever it is read, so that nobody has to sleep."""

    waiting: set[asyncio.Event] = field(default_factory=set)

    def __call__(self) -> datetime:
        for event in self.waiting:
            event.set()
        return self.now

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds; checked whenever the clock is read."""
        event = asyncio.Event()
        self.waiting.add(event)
        while not condition():
            event.clear()
            await event.wait()
        self.waiting.discard(event)


@dataclass
class WorkerWorld(World):
    """A world whose outbox is worked on by real workers."""

    clock: TickingClock = field(default_factory=TickingClock)
    workers: dict[str, Worker] = field(default_factory=dict)

    def wake(self, destination: str) -> None:
        if destination in self.workers:
            self.workers[destination].wake()

    @asynccontextmanager
    async def run_workers(
        self,
        destination: str = SLACK,
        *,
        deliver: Deliver = deliver,
        pace: Pace = SOON,
        outbox: Any = None,
        budget: Budget | None = None,
    ) -> AsyncIterator[Worker]:
        """The worker of a destination; of Slack's three the one that posts."""
        destinations = (POSTS, UPDATES, SLACK) if destination == SLACK else (destination,)
        for each in destinations:
            self.workers[each] = Worker(
                each,
                outbox=outbox or self.outbox,
                deliver=deliver,
                context=self.context,
                pace=pace,
                budget=budget if each == destinations[0] else None,
            )
        working = [self.workers[each] for each in destinations]
        running = [asyncio.create_task(worker.run()) for worker in working]
        try:
            yield working[0]
        finally:
            for worker in working:
                worker.stop()
            await asyncio.gather(*running)

    async def all_done(self) -> None:
        """Wait until the outbox is empty."""
        while await self.rows():
            await self.next_poll()

    async def next_poll(self) -> None:
        """Wait until every worker has polled once more."""
        self.clock.advance(timedelta(microseconds=1))
        now = self.clock.now
        await self.clock.until(lambda: all(w.last_polled_at == now for w in self.workers.values()))


class FailingOutbox:
    """`Outbox` that fails for a while."""

    def __init__(self, failure: Exception) -> None:
        self.failure: Exception | None = failure
        self.leases = 0

    async def lease(
        self,
        destination: str,
        *,
        now: datetime,
        lease: timedelta,
        limit: int,
        budget: Budget | None = None,
        under_way: Collection[int] = (),
    ) -> Leased:
        self.leases += 1
        if self.failure:
            raise self.failure
        return Leased()

    async def pause(self, budget: Budget, *, now: datetime, pause: timedelta) -> None:
        if self.failure:
            raise self.failure


@dataclass
class WatchedOutbox:
    """The real one; `then` happens once, after a lease and before its answer."""

    outbox: Outbox
    then: Callable[[], Awaitable[object]] | None

    async def lease(
        self,
        destination: str,
        *,
        now: datetime,
        lease: timedelta,
        limit: int,
        budget: Budget | None = None,
        under_way: Collection[int] = (),
    ) -> Leased:
        leased = await self.outbox.lease(
            destination, now=now, lease=lease, limit=limit, budget=budget, under_way=under_way
        )
        if leased.jobs and self.then:
            then, self.then = self.then, None
            await then()
        return leased

    async def pause(self, budget: Budget, *, now: datetime, pause: timedelta) -> None:
        await self.outbox.pause(budget, now=now, pause=pause)


async def failed(worker_world: WorkerWorld, logs: Logs, count: int) -> None:
    """Wait until so many deliveries have failed and the worker has recorded it."""
    await worker_world.clock.until(
        lambda: [log["event"] for log in logs].count("not_delivered") == count
    )

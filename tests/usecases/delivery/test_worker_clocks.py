"""The loop that works on the outbox, where clocks step or time does not count."""

import asyncio
from datetime import timedelta

from crewgate.domain.effects import Effect
from crewgate.domain.outcome import Outcome
from crewgate.domain.retry import IN_A_ROW
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.worker import LATELY, Worker, deliver
from crewgate.usecases.ports.base import Job
from tests.builders import SECOND
from tests.usecases.faults import AWAY, Fault
from tests.usecases.worker_world import SOON, Logs, TickingClock, WorkerWorld, failed
from tests.usecases.world import POSTS


async def test_what_is_under_way_is_not_begun_again_although_the_clock_steps(
    worker_world: WorkerWorld,
) -> None:
    released = asyncio.Event()
    begun: list[Effect] = []

    async def held(job: Job, context: DeliveryContext) -> Outcome:
        begun.append(job.effect)
        await released.wait()
        return await deliver(job, context)

    first = (await worker_world.notify()).round
    async with worker_world.run_workers(deliver=held):
        await worker_world.clock.until(lambda: len(begun) == 1)
        worker_world.clock.advance(timedelta(hours=1))
        await worker_world.next_poll()
        other = (await worker_world.notify(execution_id="e-2")).round
        await worker_world.clock.until(lambda: len(begun) == 2)
        assert [effect.target for effect in begun] == [first.id, other.id]
        released.set()
        await worker_world.all_done()
    assert len(worker_world.slack.calls) == 2


async def test_it_goes_on_at_once_after_the_clock_was_put_back(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    steady = TickingClock()
    steady.waiting = worker_world.clock.waiting
    worker_world.slack.faults.append(Fault(AWAY))
    worker = Worker(
        POSTS,
        outbox=worker_world.outbox,
        deliver=deliver,
        context=worker_world.context,
        pace=SOON,
        steady=steady,
    )
    worker_world.workers[POSTS] = worker
    await worker_world.notify()
    running = asyncio.create_task(worker.run())
    await failed(worker_world, logs, 1)
    assert worker.warnings == (AWAY.why,)
    worker_world.clock.advance(-timedelta(hours=1))
    round_ = (await worker_world.notify(execution_id="e-2")).round
    steady.advance(SECOND)
    await worker_world.clock.until(lambda: bool(worker_world.slack.messages))
    worker.stop()
    await running
    assert not worker.is_away
    assert [one.key for one in worker_world.slack.messages] == [f"card {round_.id}"]


async def test_it_is_away_once_it_fails_again_and_again(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    worker_world.slack.faults.extend([Fault(AWAY)] * IN_A_ROW)
    async with worker_world.run_workers() as worker:
        await worker_world.notify()
        for failures in range(1, IN_A_ROW + 1):
            await failed(worker_world, logs, failures)
            assert worker.warnings == (AWAY.why,)
            assert worker.is_away == (failures == IN_A_ROW)
            worker_world.clock.advance(30 * SECOND)
        await worker_world.clock.until(lambda: not worker.is_away)
        assert len(worker_world.slack.messages) == 1


async def test_it_is_away_no_longer_where_nothing_is_tried(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    worker_world.slack.faults.extend([Fault(AWAY)] * IN_A_ROW)
    async with worker_world.run_workers() as worker:
        await worker_world.notify()
        for failures in range(1, IN_A_ROW + 1):
            await failed(worker_world, logs, failures)
            if failures < IN_A_ROW:
                worker_world.clock.advance(30 * SECOND)
        worker.stop()
        worker_world.clock.advance(30 * SECOND + LATELY)
        assert not worker.is_away


async def test_what_waits_for_its_time_is_left_while_time_does_not_count(
    worker_world: WorkerWorld,
) -> None:
    counts = asyncio.Event()
    worker = Worker(
        POSTS,
        outbox=worker_world.outbox,
        deliver=deliver,
        context=worker_world.context,
        pace=SOON,
        may_lease=counts.is_set,
    )
    worker_world.workers[POSTS] = worker
    await worker_world.notify()
    running = asyncio.create_task(worker.run())
    await worker_world.next_poll()
    await worker_world.next_poll()
    assert worker_world.slack.messages == []
    counts.set()
    await worker_world.clock.until(lambda: bool(worker_world.slack.messages))
    worker.stop()
    await running

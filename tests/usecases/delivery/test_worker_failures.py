"""The loop goes on, whatever a delivery or the database does, and says so."""

import asyncio
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from crewgate.domain.effects import SLACK, EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.outcome import Outcome, Refused
from crewgate.domain.reason import RetriesExhausted
from crewgate.domain.review import State
from crewgate.usecases.delivery.context import GRACE, DeliveryContext
from crewgate.usecases.delivery.worker import Worker, deliver
from crewgate.usecases.ports.base import Job
from tests.builders import NOW, SECOND
from tests.usecases.faults import Fault
from tests.usecases.worker_world import SOON, FailingOutbox, Logs, WorkerWorld, failed
from tests.usecases.world import CREW

DAY = timedelta(days=1)


async def rename(world: WorkerWorld, old: str, new: str) -> None:
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))


async def test_a_delivery_that_raised_is_logged_and_tried_again(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    tries: list[Job] = []

    async def breaks_once(job: Job, context: DeliveryContext) -> Outcome:
        tries.append(job)
        if len(tries) == 1:
            raise ZeroDivisionError
        return await deliver(job, context)

    async with worker_world.run_workers(deliver=breaks_once):
        await worker_world.notify()
        await worker_world.clock.until(lambda: any(log["event"] == "not_delivered" for log in logs))
        assert await worker_world.due_in() == GRACE
        worker_world.clock.advance(GRACE)
        await worker_world.clock.until(lambda: bool(worker_world.slack.messages))
        await worker_world.all_done()
    assert [(job.tries, job.in_doubt) for job in tries] == [(1, False), (2, True)]
    failed = [log for log in logs if log["event"] == "delivery_failed"]
    assert len(failed) == 1
    assert failed[0]["exc_info"]


async def test_the_other_side_s_words_are_not_logged(worker_world: WorkerWorld, logs: Logs) -> None:
    worker_world.crew.faults.append(Fault(Refused("422", "Your output said: top secret")))
    async with worker_world.run_workers(CREW):
        await worker_world.decide((await worker_world.notify()).round.id)
        await worker_world.clock.until(lambda: any(log["event"] == "not_delivered" for log in logs))
    assert "top secret" not in str(logs)
    assert [log["why"] for log in logs if log["event"] == "not_delivered"] == ["422"]


async def test_a_job_that_cannot_be_settled_comes_back_once_the_store_does(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    tries: list[Job] = []

    async def store_gone_once(job: Job, context: DeliveryContext) -> Outcome:
        tries.append(job)
        if len(tries) == 1:
            raise StoreUnavailable("disk full")
        return await deliver(job, context)

    async with worker_world.run_workers(deliver=store_gone_once):
        await worker_world.notify()
        await worker_world.clock.until(lambda: any(log["event"] == "not_settled" for log in logs))
        await worker_world.next_poll()
        worker_world.clock.advance(GRACE)
        await worker_world.all_done()
    assert [job.in_doubt for job in tries] == [False, True]


async def test_neither_breaking_nor_a_store_that_is_gone_ends_the_loop(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    tries: list[Job] = []

    async def breaks_everything_once(job: Job, context: DeliveryContext) -> Outcome:
        tries.append(job)
        if len(tries) == 1:
            await rename(worker_world, "outbox", "gone")
            raise ZeroDivisionError
        return await deliver(job, context)

    async with worker_world.run_workers(deliver=breaks_everything_once):
        await worker_world.notify()
        await worker_world.clock.until(lambda: any(log["event"] == "not_settled" for log in logs))
        await rename(worker_world, "gone", "outbox")
        await worker_world.next_poll()
        worker_world.clock.advance(GRACE)
        await worker_world.all_done()
    assert [job.in_doubt for job in tries] == [False, True]


async def test_it_outlives_an_outage_of_the_database_and_shows_it(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    outbox: Any = FailingOutbox(StoreUnavailable("the database does not answer"))
    worker = Worker(SLACK, outbox=outbox, deliver=deliver, context=worker_world.context, pace=SOON)
    running = asyncio.create_task(worker.run())
    worker_world.clock.advance(SECOND)
    await worker_world.clock.until(lambda: outbox.leases > 2)
    assert worker.last_polled_at == NOW
    worker_world.clock.advance(SECOND)
    outbox.failure = None
    await worker_world.clock.until(lambda: worker.last_polled_at == worker_world.clock.now)
    worker.stop()
    await running
    [line] = [line for line in logs if line["event"] == "outbox_available"]
    assert (line["destination"], line["seconds"]) == (SLACK, 1)


async def test_a_lease_that_failed_is_logged_and_tried_again(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    outbox: Any = FailingOutbox(ZeroDivisionError())
    worker = Worker(SLACK, outbox=outbox, deliver=deliver, context=worker_world.context, pace=SOON)
    running = asyncio.create_task(worker.run())
    await worker_world.clock.until(lambda: outbox.leases > 2)
    worker.stop()
    await running
    assert logs[0]["event"] == "lease_failed"
    assert logs[0]["exc_info"]


async def always_breaks(_job: Job, _context: DeliveryContext) -> Outcome:
    raise ZeroDivisionError


async def break_for_a_day(worker_world: WorkerWorld, logs: Logs) -> None:
    """Let what is due raise now and a day later."""
    await failed(worker_world, logs, 1)
    worker_world.clock.advance(DAY)
    await failed(worker_world, logs, 2)


async def test_what_raises_for_a_day_is_set_aside_and_holds_up_nothing(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    first = (await worker_world.notify()).round
    async with worker_world.run_workers(deliver=always_breaks):
        await break_for_a_day(worker_world, logs)
    assert await worker_world.set_aside() == [(EffectKind.POST, "ZeroDivisionError")]
    (line,) = [log for log in logs if log["event"] == "set_aside"]
    assert (line["kind"], line["subject"], line["why"], line["crew"]) == (
        EffectKind.POST,
        first.id,
        "ZeroDivisionError",
        "research",
    )
    second = (await worker_world.notify(task_id="publish")).round
    await worker_world.settle_slack()
    assert [message.key for message in worker_world.slack.messages] == [f"card {second.id}"]


async def test_what_cannot_be_set_aside_is_once_the_store_is_back(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    async def breaks(job: Job, _context: DeliveryContext) -> Outcome:
        if job.tries == 2:
            await rename(worker_world, "outbox", "gone")
        raise ZeroDivisionError

    await worker_world.notify()
    async with worker_world.run_workers(deliver=breaks):
        await break_for_a_day(worker_world, logs)
        assert any(log["event"] == "not_settled" for log in logs)
        await rename(worker_world, "gone", "outbox")
        await worker_world.next_poll()
        worker_world.clock.advance(GRACE)
        await failed(worker_world, logs, 3)
    assert await worker_world.set_aside() == [(EffectKind.POST, "ZeroDivisionError")]


async def test_people_are_told_of_a_resume_that_has_been_raising_for_a_day(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    async def breaks_once(job: Job, context: DeliveryContext) -> Outcome:
        if job.tries == 1:
            raise ZeroDivisionError
        return await deliver(job, context)

    round_ = (await worker_world.notify()).round
    await worker_world.decide(round_.id)
    async with worker_world.run_workers(CREW, deliver=breaks_once):
        await failed(worker_world, logs, 1)
        worker_world.clock.advance(DAY)
        await worker_world.clock.until(lambda: any(log["event"] == "delivered" for log in logs))
    stuck = await worker_world.round(round_.id)
    assert (stuck.state, type(stuck.reason)) == (State.STUCK, RetriesExhausted)
    assert worker_world.crew.asked == []
    assert EffectKind.NOTIFY_STUCK in await worker_world.effects()

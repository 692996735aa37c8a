"""A worker leases no more than its budget has room for."""

from datetime import datetime, timedelta

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.outcome import NotSent
from crewgate.domain.retry import Budget, Rate
from tests.builders import SECOND
from tests.usecases.faults import Fault
from tests.usecases.worker_world import Logs, WatchedOutbox, WorkerWorld, failed


async def test_it_leases_what_its_budget_has_room_for_and_looks_again_when_there_is_more(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    for number in range(3):
        await worker_world.notify(execution_id=f"e-{number}")
    budget = Budget("posts", Rate(SECOND, burst=2))
    messages = worker_world.slack.messages
    async with worker_world.run_workers(budget=budget):
        await worker_world.clock.until(lambda: len(messages) == 2)
        for _ in range(3):
            await worker_world.next_poll()
        assert len(messages) == 2
        worker_world.clock.advance(SECOND)
        await worker_world.clock.until(lambda: len(messages) == 3)
    assert {log["event"] for log in logs} == {"delivered"}


async def test_a_limiter_of_the_other_side_pauses_the_budget(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    asked = NotSent("slow down", retry_after=60 * SECOND, alone=True)
    worker_world.slack.faults.append(Fault(asked))
    for number in range(2):
        await worker_world.notify(execution_id=f"e-{number}")
    budget = Budget("posts", Rate(SECOND, burst=1))
    async with worker_world.run_workers(budget=budget) as worker:
        await failed(worker_world, logs, 1)
        assert len(worker_world.slack.calls) == 1
        worker_world.clock.advance(30 * SECOND)
        await worker_world.next_poll()
        await worker_world.next_poll()
        assert worker_world.slack.messages == []
        assert worker.warnings == ()
        while len(worker_world.slack.messages) < 2:
            worker_world.clock.advance(SECOND)
            await worker_world.next_poll()


class LockedOutbox(WatchedOutbox):
    """A real one that keeps no pause."""

    async def pause(self, budget: Budget, *, now: datetime, pause: timedelta) -> None:
        raise StoreUnavailable("locked")


async def test_a_pause_that_the_database_cannot_keep_is_logged_and_ends_nothing(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    asked = NotSent("slow down", retry_after=SECOND, alone=True)
    worker_world.slack.faults.append(Fault(asked))
    await worker_world.notify()
    budget, outbox = Budget("posts", Rate(SECOND)), LockedOutbox(worker_world.outbox, None)
    async with worker_world.run_workers(budget=budget, outbox=outbox):
        while not worker_world.slack.messages:
            worker_world.clock.advance(SECOND)
            await worker_world.next_poll()
    assert "budget_unavailable" in [log["event"] for log in logs]


async def test_before_its_first_message_an_execution_has_no_thread(
    worker_world: WorkerWorld,
) -> None:
    await worker_world.start()
    posting = await worker_world.uow.read.executions.posting("research", "e-1")
    assert posting is not None
    assert posting.thread is None

"""Background loops: what becomes of one that ends, and how all of them end."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from crewgate.app import STOP_KICKOFFS_SECONDS, STOP_LISTENERS_SECONDS
from crewgate.domain.effects import EffectKind
from crewgate.domain.retry import Retry
from crewgate.lifecycle import (
    STOP_LISTENING_SECONDS,
    STOP_WORKING_SECONDS,
    Supervisor,
    build_workers,
    find_orphaned_destinations,
    run_workers,
)
from crewgate.runtime import POST_RATE, UPDATE_RATE
from crewgate.usecases.delivery.worker import Pace
from crewgate.usecases.ports.base import Wakeup
from tests.builders import FakeClock, an_effect
from tests.usecases.world import World

Logs = list[MutableMapping[str, Any]]
AT_ONCE = Retry(first=timedelta(0))
NEVER = Retry(first=timedelta(days=1), longest=timedelta(days=1))


class Deadly:
    """A loop that dies of each of these in turn, then runs until it is cancelled."""

    def __init__(self, *errors: BaseException, lives: timedelta = timedelta()) -> None:
        self.clock = FakeClock()
        self.cancelled = False
        self.running = asyncio.Event()
        self._errors = list(errors)
        self._lives = lives

    async def run(self) -> None:
        self.clock.advance(self._lives)
        if self._errors:
            raise self._errors.pop(0)
        self.running.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True


@pytest.fixture(name="logs")
def _logs() -> Iterator[Logs]:
    with capture_logs() as logs:
        yield logs


@pytest.fixture(name="tasks")
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        yield group


async def until_dead(supervisor: Supervisor, task: asyncio.Task[None]) -> tuple[str, ...]:
    while not supervisor.failures:
        await asyncio.wait([task], timeout=0.001)
    return supervisor.failures


def test_a_stop_is_over_before_a_platform_kills_the_process() -> None:
    """Heroku does after 30 s; closing the database takes some time too."""
    most = (
        STOP_WORKING_SECONDS
        + STOP_LISTENING_SECONDS
        + STOP_KICKOFFS_SECONDS
        + STOP_LISTENERS_SECONDS
    )
    assert most <= 27


async def test_a_loop_that_dies_is_logged_with_its_traceback_and_started_again(
    tasks: asyncio.TaskGroup, logs: Logs
) -> None:
    loop = Deadly(KeyError("user"))
    supervisor = Supervisor(clock=loop.clock, restart=AT_ONCE)
    task = tasks.create_task(supervisor.run("home", loop.run))

    await loop.running.wait()

    assert supervisor.failures == ()
    [line] = logs
    assert (line["event"], line["log_level"], line["loop"]) == ("loop_died", "error", "home")
    error = line["exc_info"]
    assert isinstance(error, KeyError)
    assert "in run" in "".join(traceback.format_exception(error))
    task.cancel()


async def test_while_it_is_down_it_is_a_failure(tasks: asyncio.TaskGroup) -> None:
    loop = Deadly(KeyError("user"))
    supervisor = Supervisor(clock=loop.clock, restart=NEVER)
    task = tasks.create_task(supervisor.run("home", loop.run))

    [failure] = await until_dead(supervisor, task)

    assert failure == "the loop home died of KeyError and is about to be started again"
    task.cancel()


async def test_a_loop_that_keeps_dying_is_started_ever_less_often_until_it_has_lived(
    tasks: asyncio.TaskGroup, logs: Logs
) -> None:
    restart = Retry(first=timedelta(milliseconds=1), longest=timedelta(milliseconds=4))
    for lives, pauses in (
        (timedelta(0), [0.001, 0.002, 0.004, 0.004]),
        (timedelta(seconds=1), [0.001] * 4),
    ):
        logs.clear()
        loop = Deadly(*(OSError() for _ in range(4)), lives=lives)
        supervisor = Supervisor(clock=loop.clock, restart=restart)
        task = tasks.create_task(supervisor.run("home", loop.run))
        await loop.running.wait()
        assert [line["again_in"] for line in logs] == pauses
        task.cancel()


async def test_a_loop_that_cancelled_itself_has_died_too(
    tasks: asyncio.TaskGroup, logs: Logs
) -> None:
    loop = Deadly(asyncio.CancelledError())
    task = tasks.create_task(Supervisor(clock=loop.clock, restart=AT_ONCE).run("home", loop.run))

    await loop.running.wait()

    assert [line["event"] for line in logs] == ["loop_died"]
    task.cancel()


async def test_a_loop_that_returns_is_done(logs: Logs) -> None:
    async def nothing_to_do() -> None:
        pass

    supervisor = Supervisor(clock=FakeClock(), restart=AT_ONCE)

    await supervisor.run("directory", nothing_to_do)

    assert (supervisor.failures, logs) == ((), [])


async def test_a_cancellation_passes_through_to_the_loop(logs: Logs) -> None:
    loop = Deadly()
    supervisor = Supervisor(clock=loop.clock, restart=AT_ONCE)
    task = asyncio.create_task(supervisor.run("home", loop.run))
    await loop.running.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert loop.cancelled
    assert logs == []


async def test_a_stop_starts_nothing_again() -> None:
    loop = Deadly(OSError())
    supervisor = Supervisor(clock=loop.clock, restart=NEVER)
    task = asyncio.create_task(supervisor.run("worker for slack", loop.run))
    await until_dead(supervisor, task)

    supervisor.stop()

    await task
    assert not loop.running.is_set()


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_crew_is_asked_for_few_statuses_at_once_apart_from_its_resumes(
    world: World,
) -> None:
    workers = build_workers(
        world.outbox, world.context, Pace(), post_rate=POST_RATE, update_rate=UPDATE_RATE
    )

    assert set(workers) == {
        "slack",
        "timer",
        "updates",
        "posts:research",
        "crew:research",
        "status:research",
    }
    assert workers["status:research"].pace.at_once == 4
    assert workers["crew:research"].pace == Pace()


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_only_what_goes_to_slack_waits_until_reviewers_are_known(world: World) -> None:
    known = asyncio.Event()

    async def ready() -> None:
        await known.wait()

    async def until(happened: Callable[[], object]) -> None:
        while not happened():
            await Wakeup().wait(0.001)

    world.crew.pause()
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    workers = build_workers(
        world.outbox, world.context, Pace(), post_rate=POST_RATE, update_rate=UPDATE_RATE
    )
    supervisor = Supervisor(clock=world.clock, restart=NEVER)

    async with asyncio.timeout(60), run_workers(workers, {}, supervisor, ready=ready):
        await until(lambda: world.crew.taken)
        assert not world.slack.calls
        known.set()
        await until(lambda: world.slack.messages)


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_stop_does_not_wait_for_what_a_start_waits_for(world: World) -> None:
    workers = build_workers(
        world.outbox, world.context, Pace(), post_rate=POST_RATE, update_rate=UPDATE_RATE
    )
    supervisor = Supervisor(clock=world.clock, restart=NEVER)

    async def ready() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(60), run_workers(workers, {}, supervisor, ready=ready):
        pass


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_what_nobody_works_on_is_found_and_logged(world: World, logs: Logs) -> None:
    async with world.uow.begin() as tx:
        await tx.enqueue([an_effect(EffectKind.RESUME, crew="gone")], at=world.clock())

    found = await find_orphaned_destinations(world.outbox, ["slack"])

    assert found == ("crew:gone: jobs wait for a start that names it",)
    assert [line["event"] for line in logs] == ["orphaned_destination"]

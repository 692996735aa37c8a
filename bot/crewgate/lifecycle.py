"""Starting listeners and workers, and stopping them in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from crewgate.domain import effects
from crewgate.domain.errors import CrewgateError, StoreUnavailable
from crewgate.domain.retry import Budget, Rate, Retry
from crewgate.network.connections import Limits, listen
from crewgate.store.engine import Engines, open_engines, translate_errors
from crewgate.store.migrate import migrate
from crewgate.store.outbox import Outbox
from crewgate.store.secret_keys import use_keys
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.worker import Pace, Worker, deliver
from crewgate.usecases.ports.base import Check, Clock, end_turn

log = structlog.get_logger(__name__)

#: The seconds that a stopping bot waits, first for its calls under way, then for requests; `app`
#: has the later waits. Heroku kills the bot after 30 s, so the database must be closed by then. The
#: outcome of a call that takes longer is unknown at the next start.
STOP_WORKING_SECONDS = 17
STOP_LISTENING_SECONDS = 5
#: The concurrent requests for statuses of one crew: requests about hundreds of executions must not
#: take the connections that the crew's resumes need.
STATUSES_AT_ONCE = 4

Loop = Callable[[], Coroutine[Any, Any, None]]


class CannotListen(CrewgateError):
    """The port is taken, or the address is not this machine's."""


class Supervisor:
    """Runs background loops; a loop that dies is logged, reported and started again."""

    def __init__(self, *, clock: Clock, restart: Retry) -> None:
        self._clock = clock
        self._restart = restart
        self._stopping = asyncio.Event()
        self._dead: dict[str, str] = {}
        self.last_turns: dict[str, datetime] = {}
        """The end of each loop's last turn, by `clock`; at first the loop's start."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Sentences about the loops that died and are not started again yet."""
        return tuple(
            f"the loop {name} died of {why} and is about to be started again"
            for name, why in self._dead.items()
        )

    def stop(self) -> None:
        self._stopping.set()

    async def run(self, name: str, loop: Loop) -> None:
        """Run a loop until it returns, again after an error. A cancellation waits for its end."""
        deaths = 0
        # `gather` runs the loop in a task with a copy of this variable, so the loop can call it.
        end_turn.set(partial(self._note_turn, name))
        while True:
            began = self.last_turns[name] = self._clock()
            # The error is collected, not caught: any error may end a loop, so no type can be named.
            [error] = await asyncio.gather(loop(), return_exceptions=True)
            if error is None:
                return
            lived = self._clock() - began
            deaths = 1 if lived > self._restart.longest else deaths + 1
            pause = self._restart.after(deaths, jitter=0)
            self._dead[name] = type(error).__name__
            log.error("loop_died", loop=name, again_in=pause.total_seconds(), exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._stopping.wait()
                return
            del self._dead[name]

    def _note_turn(self, name: str) -> None:
        self.last_turns[name] = self._clock()


@asynccontextmanager
async def serve_http(
    application: web.Application, host: str, port: int, *, limits: Limits | None = None
) -> AsyncIterator[str]:
    """Listen and yield the address; at the end, refuse new requests and answer open requests.

    Raises CannotListen.
    """
    async with AsyncExitStack() as stack:
        listening = listen(
            application,
            (host, port),
            limits=limits or Limits.of_process(),
            shutdown_timeout=STOP_LISTENING_SECONDS,
        )
        try:
            bound = await stack.enter_async_context(listening)
        except OSError as error:
            raise CannotListen(f"cannot listen on {host}:{port}: {error}") from error
        yield f"http://{host}:{bound}"


@asynccontextmanager
async def open_database(url: str, keys: Sequence[str]) -> AsyncIterator[Engines]:
    """Yield the database, migrated, with credentials encrypted with the first of these keys.

    Raises StoreUnavailable and SecretKeysRefused, naming the setting.
    """
    try:
        engines = open_engines(url)
        with translate_errors():
            await migrate(engines.write, keys)
    except StoreUnavailable as error:
        raise StoreUnavailable(f"DATABASE_URL: the database cannot be used: {error}") from error
    try:
        await use_keys(engines.write, keys)
        yield engines
    finally:
        await engines.dispose()


async def open_outbox(engines: Engines, *, due_at: datetime, crews: Collection[str]) -> Outbox:
    """Return the outbox; on SQLite, jobs leased by a crashed process become due at `due_at`."""
    outbox = Outbox(engines.for_outbox, crews)
    if engines.is_sqlite:
        # No other process uses the file, so a leased job belonged to a process that crashed.
        await outbox.release(due_at=due_at)
    return outbox


def build_workers(
    outbox: Outbox,
    context: DeliveryContext,
    pace: Pace,
    *,
    post_rate: Rate,
    update_rate: Rate,
    steady: Clock | None = None,
    time_counts: Check = lambda: True,
) -> dict[str, Worker]:
    """Return the worker of each destination.

    Destinations are Slack, timers, changes of messages, each crew's posts, each crew, its statuses,
    and its forwarding. Crews in one channel share its budget. Timers run only while `time_counts`.
    """
    forwarding = (name for name, crew in context.crews.items() if crew.forward)
    polling = replace(pace, at_once=STATUSES_AT_ONCE)
    budgets = {
        effects.UPDATES: Budget("updates", update_rate),
        **{
            effects.posts_destination(name): Budget(f"posts {crew.channel}", post_rate)
            for name, crew in context.crews.items()
        },
    }
    paces = {
        effects.SLACK: pace,
        effects.TIMER: pace,
        **dict.fromkeys(budgets, pace),
        **{effects.crew_destination(name): pace for name in context.crews},
        **{effects.status_destination(name): polling for name in context.crews},
        **{effects.forward_destination(name): pace for name in forwarding},
    }
    return {
        destination: Worker(
            destination,
            outbox=outbox,
            deliver=deliver,
            context=context,
            pace=each,
            budget=budgets.get(destination),
            steady=steady,
            may_lease=time_counts if destination == effects.TIMER else lambda: True,
        )
        for destination, each in paces.items()
    }


@asynccontextmanager
async def run_workers(
    workers: Mapping[str, Worker],
    background: Mapping[str, Loop],
    supervisor: Supervisor,
    *,
    ready: Loop,
) -> AsyncIterator[None]:
    """Run the workers and loops; at the end, lease nothing more and finish the leased jobs.

    Workers for Slack wait until `ready` returns, or until the end.
    """
    starting = asyncio.create_task(ready())

    async def run_for_slack(worker: Worker) -> None:
        await asyncio.wait([starting])
        await worker.run()

    loops = [
        asyncio.create_task(
            supervisor.run(
                f"worker for {name}",
                partial(run_for_slack, worker) if effects.goes_to_slack(name) else worker.run,
            )
        )
        for name, worker in workers.items()
    ]
    others = [asyncio.create_task(supervisor.run(name, loop)) for name, loop in background.items()]
    try:
        yield
    finally:
        supervisor.stop()
        for worker in workers.values():
            worker.stop()
        for task in (starting, *others):
            task.cancel()
        _, late = await asyncio.wait(loops, timeout=STOP_WORKING_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(starting, *loops, *others, return_exceptions=True)


async def find_orphaned_destinations(outbox: Outbox, workers: Collection[str]) -> tuple[str, ...]:
    found = await outbox.orphaned_destinations(workers)
    for destination in found:
        log.warning("orphaned_destination", destination=destination, hint="was this crew renamed?")
    return tuple(f"{destination}: jobs wait for a start that names it" for destination in found)

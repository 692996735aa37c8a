"""Starting an execution, for somebody in Slack or for a caller over HTTP."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from crewgate.domain import errors
from crewgate.domain.crew import Crew
from crewgate.domain.execution import said_starter
from crewgate.domain.lessons import LessonsGiven
from crewgate.domain.notification import WebhookUrls, keep_asked
from crewgate.domain.outcome import NotSent
from crewgate.domain.redaction import Redactor
from crewgate.domain.rules.choose import asked_inputs, asked_meta, named_by
from crewgate.domain.verdict import Person
from crewgate.usecases.ports.base import Clock, Crews, NewId, Wakeup
from crewgate.usecases.ports.crew import (
    CrewClients,
    KickoffAnswer,
    KickoffOutcome,
    KickoffRequest,
    without_known,
)
from crewgate.usecases.ports.store import UnitOfWork
from crewgate.usecases.teaching import Teaching, record_given
from crewgate.usecases.track import track

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: The most kickoffs of one crew at once; a crew that takes minutes must not fill the memory.
AT_ONCE = 50
#: The most tries to store a started execution while the database is away.
STORE_TRIES = 600


@dataclass(slots=True, kw_only=True)
class Kickoffs:
    """Starts executions and stores them, even if the caller does not wait for the answer."""

    uow: UnitOfWork
    crews: Crews
    clients: CrewClients
    clock: Clock
    new_id: NewId
    redactors: Mapping[str, Redactor]
    """The redactors, by crew, for the shown values of a kickoff."""
    teaching: Teaching
    pause: timedelta = timedelta(seconds=1)
    tries: int = STORE_TRIES
    at_once: int = AT_ONCE
    _under_way: Counter[str] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[object]] = field(default_factory=set)
    """Tasks under way: asyncio collects a task that nothing refers to."""
    _wakeup: Wakeup = field(default_factory=Wakeup)

    def check(self, crew: str) -> Crew:
        known = self.crews.get(crew)
        if known is None:
            raise errors.UnknownCrew(crew)
        if known.is_fetched:
            raise errors.NoCrewUrl
        if known.own.human_input is None:
            raise errors.NoPublicUrl
        if self._under_way[crew] >= self.at_once:
            raise errors.TooManyKickoffs
        return known

    async def claim_form(self, crew: str, form: str) -> bool:
        self.check(crew)
        async with self.uow.begin() as tx:
            return await tx.executions.record_kickoff_form(form, crew, at=self.clock())

    async def start(
        self, crew: str, request: KickoffRequest, *, by: Person | None = None
    ) -> KickoffOutcome:
        """Start an execution and store it, even if the caller is cancelled meanwhile.

        The crew gets the caller's body unchanged; the shown values have no secrets.
        """
        known = self.check(crew)
        request = without_known(request, self.redactors[crew])
        self._under_way[crew] += 1
        task = self._run(self._kick_off(known, request, by))
        task.add_done_callback(lambda _: self._under_way.subtract([crew]))
        return await asyncio.shield(task)

    async def finish(self, *, within: float | None = None) -> None:
        """Store what is not stored yet, and wait up to `within` seconds for kickoffs."""
        self._wakeup.set()
        try:
            async with asyncio.timeout(within):
                # A kickoff that is cut off stores no execution: people, seeing none, start another.
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            log.warning("kickoffs_cut_off", crews=list(+self._under_way))

    async def _kick_off(
        self, crew: Crew, request: KickoffRequest, by: Person | None
    ) -> KickoffOutcome:
        urls = crew.webhooks_for_kickoff(request.given)
        kickoff = self.new_id()
        await self._record(kickoff, crew, request, by)
        client = self.clients[crew.name]
        sent, lessons = await self.teaching.fill(crew, request)
        outcome = await client.kickoff(sent, urls)
        if self.teaching.learns_from(outcome, sent, crew.name):
            sent, lessons = await self.teaching.fill(crew, request)
            outcome = await client.kickoff(sent, urls)
        if isinstance(outcome, KickoffAnswer) and outcome.execution_id is not None:
            log.info("kicked_off", crew=crew.name, execution=outcome.execution_id)
            store = partial(
                self._store, crew.name, outcome.execution_id, request, by, kickoff, lessons
            )
            if not await store():
                # The execution runs already: its caller gets the answer, and storing goes on.
                self._run(self._store_later(crew.name, outcome.execution_id, store))
        elif isinstance(outcome, NotSent) or (
            isinstance(outcome, KickoffAnswer) and not outcome.is_in_doubt
        ):
            await self._forget(crew.name, kickoff)
        return outcome

    async def _record(
        self, kickoff: str, crew: Crew, request: KickoffRequest, by: Person | None
    ) -> None:
        """Record the starter of a kickoff until its answer is known.

        Even without an answer the starter thus may not approve, and the named reviewer decides.
        """
        starter = said_starter(by, request.meta)
        named = named_by(crew.rules, request.inputs, request.meta)
        if starter is None and not named:
            return
        try:
            async with self.uow.begin() as tx:
                await tx.executions.record_kickoff(
                    kickoff, crew.name, starter, named=named, at=self.clock()
                )
        except errors.StoreUnavailable as error:
            log.warning("kickoff_starter_not_stored", crew=crew.name, why=str(error))

    async def _forget(self, crew: str, kickoff: str) -> None:
        try:
            async with self.uow.begin() as tx:
                await tx.executions.forget_kickoff(kickoff)
        except errors.StoreUnavailable as error:
            log.warning("kickoff_starter_not_stored", crew=crew, why=str(error))

    async def _store(
        self,
        crew: str,
        execution_id: str,
        request: KickoffRequest,
        by: Person | None,
        kickoff: str,
        lessons: LessonsGiven | None,
    ) -> bool:
        rules = self.crews[crew].rules
        inputs = keep_asked(request.inputs, asked_inputs(rules))
        meta = keep_asked(request.meta, asked_meta(rules))
        named = named_by(rules, request.inputs, request.meta)
        try:
            async with self.uow.begin() as tx:
                at = self.clock()
                execution = await tx.executions.open(crew, execution_id, at=at)
                known = execution  # a crew may answer with the id of a known execution
                execution = replace(
                    known, named=known.named or named, lessons=known.lessons or lessons
                )
                if execution != known:
                    await tx.executions.save(execution)
                if execution.lessons != known.lessons:
                    await record_given(tx, execution)
                await track(tx, execution, starter=by, inputs=inputs, meta=meta, at=at)
                await tx.executions.forget_kickoff(kickoff)
                if request.given:
                    await tx.executions.register(crew, execution_id, request.given)
        except errors.StoreUnavailable as error:
            log.warning("kickoff_not_stored", crew=crew, execution=execution_id, why=str(error))
            return False
        return True

    async def _store_later(
        self, crew: str, execution_id: str, store: Callable[[], Awaitable[bool]]
    ) -> None:
        tries = 0
        while not await store():
            tries += 1
            if tries == self.tries:
                log.error("kickoff_lost", crew=crew, execution=execution_id)
                return
            await self._wakeup.wait(self.pause.total_seconds())

    def _run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def register_webhooks(
    crew: str, execution_id: str, urls: WebhookUrls, *, uow: UnitOfWork, clock: Clock
) -> None:
    async with uow.begin() as tx:
        execution = await tx.executions.open(crew, execution_id, at=clock())
        await tx.executions.register(crew, execution_id, urls)
        if execution.removed_at is not None:
            # This kickoff brought URLs to an execution whose texts were removed: without
            # `removed_at`, the next removal takes these URLs, too.
            await tx.executions.save(replace(execution, removed_at=None))

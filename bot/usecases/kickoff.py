"""Starting an execution, for somebody in Slack or for a caller over HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot.domain.crew import Crew
from bot.domain.errors import CrewgateError, StoreUnavailable, UnknownCrew
from bot.domain.notification import WebhookUrls
from bot.domain.verdict import Person
from bot.usecases.ports.base import Clock, Crews
from bot.usecases.ports.crew import CrewClients, KickoffAnswer, KickoffOutcome, KickoffRequest
from bot.usecases.ports.store import UnitOfWork
from bot.usecases.track import track
from bot.usecases.wakeup import Wakeup

log = structlog.get_logger(__name__)

#: Kickoffs of one crew under way at once; a crew that takes minutes must not fill our memory.
AT_ONCE = 50
#: How often it is tried to store what was started while the database is away.
STORE_TRIES = 600


class NoPublicUrl(CrewgateError):
    """Without PUBLIC_URL a crew cannot be told where to announce its pauses."""


class TooManyKickoffs(CrewgateError):
    """So many kickoffs of this crew are under way that no more are taken now."""


@dataclass(slots=True, kw_only=True)
class Kickoffs:
    """Starts executions, and never loses one for a caller that gives up waiting."""

    uow: UnitOfWork
    crews: Crews
    clients: CrewClients
    clock: Clock
    pause: timedelta = timedelta(seconds=1)
    """Between two tries to store what was started."""
    bell: Wakeup = field(default_factory=Wakeup)
    """Ends such a pause."""
    tries: int = STORE_TRIES
    at_once: int = AT_ONCE
    _under_way: dict[str, int] = field(default_factory=dict)
    _tasks: set[asyncio.Task[object]] = field(default_factory=set)

    async def start(
        self, crew: str, request: KickoffRequest, *, by: Person | None = None
    ) -> KickoffOutcome:
        """Start an execution and remember it; goes on even if whoever awaits this is cancelled.

        Raises UnknownCrew, NoPublicUrl or TooManyKickoffs; then the crew was not called.
        """
        known = self.crews.get(crew)
        if known is None:
            raise UnknownCrew(crew)
        if known.own.human_input is None:
            raise NoPublicUrl
        if self._under_way.get(crew, 0) >= self.at_once:
            raise TooManyKickoffs
        self._under_way[crew] = self._under_way.get(crew, 0) + 1
        task = asyncio.create_task(self._carry_out(known, request, by))
        self._keep(task)
        task.add_done_callback(lambda _: self._leave(crew))
        return await asyncio.shield(task)

    async def finish(self, *, within: float | None = None) -> None:
        """Wait for what is under way, for so many seconds at most."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=within)

    async def _carry_out(
        self, crew: Crew, request: KickoffRequest, by: Person | None
    ) -> KickoffOutcome:
        urls = crew.webhooks_for_kickoff(request.given)
        answer = await self.clients[crew.name].kickoff(request, urls)
        if isinstance(answer, KickoffAnswer) and answer.execution_id is not None:
            log.info("kicked_off", crew=crew.name, execution=answer.execution_id)
            if not await self._remember(crew.name, answer.execution_id, request, by):
                # It runs already: the caller gets its answer, and we go on trying.
                again = self._remember_later(crew.name, answer.execution_id, request, by)
                self._keep(asyncio.create_task(again))
        return answer

    async def _remember(
        self, crew: str, execution_id: str, request: KickoffRequest, by: Person | None
    ) -> bool:
        try:
            async with self.uow.begin() as tx:
                at = self.clock()
                execution = await tx.executions.open(crew, execution_id, at=at)
                await track(tx, execution, starter=by, inputs=request.inputs, at=at)
                if request.given:
                    await tx.executions.register(crew, execution_id, request.given)
        except StoreUnavailable as error:
            log.warning("kickoff_not_stored", crew=crew, execution=execution_id, why=str(error))
            return False
        return True

    async def _remember_later(
        self, crew: str, execution_id: str, request: KickoffRequest, by: Person | None
    ) -> None:
        tries = 0
        while tries < self.tries and not await self._remember(crew, execution_id, request, by):
            await self.bell.wait(self.pause.total_seconds())
            tries += 1
        if tries == self.tries:
            log.error("kickoff_lost", crew=crew, execution=execution_id)

    def _keep(self, task: asyncio.Task[object]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _leave(self, crew: str) -> None:
        self._under_way[crew] -= 1


async def register(
    crew: str, execution_id: str, urls: WebhookUrls, *, uow: UnitOfWork, clock: Clock
) -> None:
    """Remember webhook URLs for an execution that somebody started without us."""
    async with uow.begin() as tx:
        await tx.executions.open(crew, execution_id, at=clock())
        await tx.executions.register(crew, execution_id, urls)

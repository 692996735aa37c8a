"""What `/crew status` shows of everything: which crews answer, and which executions run."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.execution import Execution
from bot.usecases.ports.base import Clock
from bot.usecases.ports.crew import CrewClient, CrewClients
from bot.usecases.ports.store import UnitOfWork
from bot.usecases.queries.status import LINES


@dataclass(frozen=True, slots=True)
class CrewHealth:
    """Whether a crew answers, and how fast; `warning` says why it does not."""

    crew: str
    took: timedelta
    warning: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Crews, and their executions that run, the oldest first."""

    crews: tuple[CrewHealth, ...]
    running: tuple[Execution, ...]


async def overview(
    crews: Collection[str], *, clients: CrewClients, uow: UnitOfWork, clock: Clock
) -> Overview:
    """Ping these crews at once, and read which of their executions run."""
    health = await asyncio.gather(
        *(_ping(name, client, clock) for name, client in clients.items() if name in crews)
    )
    return Overview(tuple(health), await uow.read.executions.running(crews=crews, limit=LINES))


async def _ping(name: str, client: CrewClient, clock: Clock) -> CrewHealth:
    began = clock()
    unavailable = await client.ping()
    return CrewHealth(name, clock() - began, unavailable.why if unavailable else None)

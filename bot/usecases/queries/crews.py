"""What `/crew status` shows of everything: which crews answer, and what runs since when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bot.domain.execution import Execution
from bot.usecases.ports.base import Clock
from bot.usecases.ports.store import UnitOfWork
from bot.usecases.queries.status import LINES
from bot.usecases.read_models import TrackedExecution


class CrewProbe(Protocol):
    """One crew, to see whether it answers."""

    async def ping(self) -> str | None:
        """Why it does not answer within 2 s, or None."""
        ...


@dataclass(frozen=True, slots=True)
class CrewHealth:
    """Whether a crew answers, and how fast."""

    crew: str
    took: timedelta
    warning: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All crews, and what runs, the oldest first."""

    crews: tuple[CrewHealth, ...]
    running: tuple[TrackedExecution, ...]


async def overview(*, probes: Mapping[str, CrewProbe], uow: UnitOfWork, clock: Clock) -> Overview:
    """Ask all crews at once, and look up what runs."""
    reached = await asyncio.gather(*(_reach(name, probe, clock) for name, probe in probes.items()))
    return Overview(tuple(reached), await uow.read.executions.running(limit=LINES))


async def run_of(crew: str, execution_id: str, *, uow: UnitOfWork) -> Execution | None:
    """What was heard of an execution."""
    view = await uow.read.executions.view(crew, execution_id)
    return view.execution if view else None


async def _reach(name: str, probe: CrewProbe, clock: Clock) -> CrewHealth:
    began = clock()
    warning = await probe.ping()
    return CrewHealth(name, clock() - began, warning)

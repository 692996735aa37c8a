"""The overview of `/crew status`: executions that need somebody, those that run, and crews."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from crewgate.domain.people import Role
from crewgate.domain.review import State
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.crew import CrewClient, CrewClients
from crewgate.usecases.ports.store import Queries
from crewgate.usecases.queries.status import LINES
from crewgate.usecases.read_models import (
    NO_RULE,
    ExecutionLine,
    ExecutionPosting,
    Failing,
    QueueKey,
    RoundLine,
    Selection,
)

#: The states of rounds that need somebody, the most urgent first: what is sent for long is late.
_STATES: Final = (State.STUCK, State.DECIDED, State.WAITING)


@dataclass(frozen=True, slots=True)
class CrewHealth:
    """The time that a crew took to answer; `warning` says why it did not."""

    crew: str
    took: timedelta
    warning: str | None
    failing: Failing | None = None
    """It does not take decisions, whether it answers or not."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Executions, those that need somebody first and then those that run, the oldest first.

    The totals are of rounds, up to COUNTED.
    """

    crews: tuple[CrewHealth, ...]
    executions: tuple[ExecutionLine, ...]
    stuck: int = 0
    waiting: int = 0
    sending: int = 0
    more: bool = False
    """There are more executions than the list has."""


async def overview(by: str, *, clients: CrewClients, context: ReviewContext) -> Overview:
    """Return the crews that this person may read, pinged at once, and their executions."""
    [readable] = await context.queues_of(by, Role.READER, recheck=True)
    crews = tuple(crew for crew, rule in readable if rule == NO_RULE)
    found = await _executions(readable, crews, context.uow.read)
    health = await asyncio.gather(
        *(_ping(name, client, context.clock) for name, client in clients.items() if name in crews)
    )
    sending = (
        line.round.id
        for one in found.executions
        for line in one.rounds
        if line.round.state is State.DECIDED
    )
    failing = await context.uow.read.failing(tuple(sending))
    return replace(
        found, crews=tuple(replace(one, failing=failing.get(one.crew)) for one in health)
    )


async def _executions(
    readable: tuple[QueueKey, ...], crews: tuple[str, ...], read: Queries
) -> Overview:
    ids: list[str] = []
    totals: list[int] = []
    for state in _STATES:
        selection = Selection(readable, (state,))
        some = await read.rounds.first(selection, limit=LINES)
        totals.append(len(some) if len(some) < LINES else await read.rounds.count(selection))
        ids += some
    listed = await _listed(tuple(ids[:LINES]), read)
    more = sum(totals) > LINES
    if not more:
        # All that need somebody are listed, so what runs and is not listed just runs.
        running = await read.executions.running(crews=crews, limit=len(listed) + LINES + 1)
        known = {_key(line.posting) for line in listed}
        rest = [ExecutionLine(one) for one in running if _key(one) not in known]
        more = len(listed) + len(rest) > LINES
        listed = (*listed, *rest)[:LINES]
    stuck, sending, waiting = totals
    return Overview((), listed, stuck, waiting, sending, more)


async def _listed(ids: tuple[str, ...], read: Queries) -> tuple[ExecutionLine, ...]:
    """Return the executions of these rounds, in the order of their first round."""
    rounds: dict[tuple[str, str], list[RoundLine]] = {}
    for line in await read.rounds.lines(ids):
        review = line.round.review
        rounds.setdefault((review.crew, review.execution_id), []).append(line)
    found = {_key(one): one for one in await read.executions.postings(tuple(rounds))}
    return tuple(ExecutionLine(found[key], tuple(lines)) for key, lines in rounds.items())


def _key(posting: ExecutionPosting) -> tuple[str, str]:
    return posting.execution.crew, posting.execution.execution_id


async def _ping(name: str, client: CrewClient, clock: Clock) -> CrewHealth:
    began = clock()
    unavailable = await client.ping()
    return CrewHealth(name, clock() - began, unavailable.why if unavailable else None)

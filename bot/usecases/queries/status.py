"""Which rounds are waiting or unsettled, and the status of one execution."""

from __future__ import annotations

from bot.domain.errors import AmbiguousExecution, ExecutionNotFound, UnknownCrew
from bot.domain.people import Role
from bot.domain.redaction import Redactor
from bot.usecases.context import ReviewContext
from bot.usecases.ports.crew import CrewClients
from bot.usecases.ports.store import UnitOfWork
from bot.usecases.read_models import CrewUnavailable, ExecutionStatus, Pending, RoundLine

#: Rounds or executions in one list; more would not fit into one Slack message.
LINES = 20


async def pending(*, mine: str | None, context: ReviewContext) -> Pending:
    """What is waiting, the oldest first; with `mine`, only what this person may decide."""
    theirs = None
    if mine is not None:
        theirs = context.crews_of(mine, Role.REVIEWER)
    return await context.uow.read.pending(crews=theirs, limit=LINES)


async def unsettled(*, uow: UnitOfWork) -> tuple[RoundLine, ...]:
    """What is waiting, on its way or stuck, of all executions."""
    return await uow.read.unsettled(limit=LINES)


async def execution(prefix: str, *, uow: UnitOfWork, clients: CrewClients) -> ExecutionStatus:
    """One execution, named by its id or any unambiguous beginning of it.

    Raises ExecutionNotFound, or AmbiguousExecution with some of the candidates.
    """
    found = await uow.read.executions.starting_with(prefix, limit=LINES)
    exact = [name for name in found if name[1] == prefix]
    match exact or found:
        case []:
            raise ExecutionNotFound(prefix)
        case [(crew, execution_id)]:
            stored = await uow.read.executions.find(crew, execution_id)
            assert stored is not None  # noqa: S101  # it was there just now, and none is deleted
            rounds = await uow.read.rounds.of_execution(crew, execution_id, limit=LINES)
            client = clients.get(crew)
            progress = (
                await client.status(execution_id)
                if client
                else CrewUnavailable(str(UnknownCrew(crew)))
            )
            secrets = await uow.read.executions.secrets_of(crew, execution_id)
            return ExecutionStatus(stored, rounds, Redactor(secrets).fields(progress))
        case several:
            raise AmbiguousExecution(prefix, tuple(several))

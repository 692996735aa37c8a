"""The rounds that wait, and the status of one execution."""

import asyncio

from crewgate.domain.errors import AmbiguousExecution, ExecutionNotFound
from crewgate.domain.people import Role
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import State
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.ports.crew import CrewClients
from crewgate.usecases.queries.queue import done_by
from crewgate.usecases.read_models import ExecutionStatus, QueuePart, Selection

#: The most rounds or executions in one list; more would not fit into one Slack message.
LINES = 20


async def pending(by: str, *, mine: bool, context: ReviewContext) -> QueuePart:
    """Return the waiting rounds that a person may read, or with `mine` decide, the oldest first."""
    role = Role.REVIEWER if mine else Role.READER
    [theirs] = await context.queues_of(by, role, recheck=True)
    done = await done_by(by, theirs, context=context) if mine else ()
    waiting = Selection(theirs, (State.WAITING,), without=done)
    read = context.uow.read.rounds
    lines = await read.lines(await read.first(waiting, limit=LINES))
    total = len(lines) if len(lines) < LINES else await read.count(waiting)
    return QueuePart(lines, total)


async def execution(
    prefix: str, *, by: str, context: ReviewContext, clients: CrewClients
) -> ExecutionStatus:
    """Return an execution that this person may read, by its id or any unambiguous beginning of it.

    Rounds whose rule lets only others read them are left out.

    Raises ExecutionNotFound, AmbiguousExecution with some of the candidates, or, for the whole id
    of an execution that they may not read, NotAReader or UnknownCrew.
    """
    read = context.uow.read
    crews = await context.crews_of(by, Role.READER, recheck=True)
    found = await read.executions.starting_with(prefix, crews=crews, limit=LINES)
    exact = [name for name in found if name[1] == prefix]
    match exact or found:
        case []:
            # The beginning of an id must not reveal that there is one.
            for crew in await read.executions.crews_with(prefix):
                await context.ensure(by, Role.READER, crew)
            raise ExecutionNotFound(prefix)
        case [(crew, execution_id)]:
            stored = await read.executions.find(crew, execution_id)
            assert stored is not None  # noqa: S101  # it was found just now, and none is deleted
            found_rounds = await read.rounds.of_execution(crew, execution_id, limit=LINES)
            readable = await context.readable(by, (line.round for line in found_rounds))
            rounds = tuple(line for line in found_rounds if line.round.id in readable)
            progress = await clients[crew].status(execution_id)
            secrets = await read.executions.secrets_of(crew, execution_id)
            progress = Redactor(secrets).fields(progress)
            masking = context.crews[crew].redact
            status = ExecutionStatus(stored, rounds, progress)
            revised = (await read.executions.revised([(crew, execution_id)]))[crew, execution_id]
            return await asyncio.to_thread(
                lambda: masking.also_those_in(revised).shown(status, keep={"rounds"})
            )
        case several:
            raise AmbiguousExecution(prefix, tuple(several))

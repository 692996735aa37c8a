"""Evidence that an execution has gone on: it settles decisions in doubt and reopens rounds."""

import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import Execution, ExecutionState, about
from crewgate.domain.retry import Retry
from crewgate.domain.review import State
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.timed import apply, schedule

#: The times at which a crew is asked for an execution's status: after 5 s, then less often.
STATUS_POLL = Retry(
    first=timedelta(seconds=5), longest=timedelta(minutes=5), give_up_after=timedelta(days=14)
)
#: The pause between polls while it waits for a person: it cannot move before it is resumed.
PAUSED_POLL: Final = timedelta(hours=1)
#: The latest first poll of a paused execution, with which later answers are compared. The first
#: polls after a burst of notifications are spread over this time.
FIRST_POLL_WITHIN: Final = timedelta(minutes=1)


def first_poll(execution: Execution) -> timedelta:
    """Return the wait before the first poll of a paused execution, spread by its id."""
    share = zlib.crc32(execution.execution_id.encode()) / 2**32
    return STATUS_POLL.first + FIRST_POLL_WITHIN * share


async def waits_for_a_person(tx: Tx, execution: Execution) -> bool:
    """Return True if an execution cannot move before somebody decides."""
    unfinished = await tx.unfinished(execution.crew, execution.execution_id)
    waits = any(round_.state is State.WAITING for round_ in unfinished)
    return waits and not execution.stuck_in_doubt


async def apply_activity(tx: Tx, execution: Execution, *, at: datetime) -> Execution:
    """Apply the evidence of a webhook that an execution has gone on; return the execution.

    It costs nothing unless something depends on it, which is rare.
    """
    if execution.state is ExecutionState.GONE:
        execution = await reopen(tx, execution, at=at)
    if execution.stuck_in_doubt:
        execution = await settle_stuck(tx, execution, at=at)
    return execution


async def reopen(tx: Tx, execution: Execution, *, at: datetime) -> Execution:
    """Undo the end of an execution that the crew knows after all; its rounds wait again."""
    back = execution.reopen()
    for round_ in await tx.closed_as_gone(back.crew, back.execution_id):
        reopened = round_.reopen()
        await apply(tx, reopened, at=at)
        await schedule(tx, reopened.round, at=at)
    await tx.executions.save(back)
    await tx.enqueue([about(back, EffectKind.REFRESH_PROGRESS)], at=at)
    await tx.expedite(about(back, EffectKind.POLL_STATUS), at=at + STATUS_POLL.first)
    return back


async def settle_stuck(tx: Tx, execution: Execution, *, at: datetime) -> Execution:
    """Settle stuck decisions in doubt as taken.

    An answer to a flow stays stuck, for other branches of a flow go on while it asks.
    """
    for round_ in await tx.unfinished(execution.crew, execution.execution_id):
        if round_.state is State.STUCK and round_.in_doubt and not round_.is_of_flow:
            await apply(tx, round_.took_effect(at), at=at)
    settled = replace(execution, stuck_in_doubt=False)
    await tx.executions.save(settled)
    return settled


async def watch_for_evidence(tx: Tx, execution: Execution, *, at: datetime) -> None:
    """Mark that a decision of the execution is stuck in doubt, and poll its status soon."""
    await tx.executions.save(replace(execution, stuck_in_doubt=True))
    await tx.expedite(about(execution, EffectKind.POLL_STATUS), at=at + STATUS_POLL.first)

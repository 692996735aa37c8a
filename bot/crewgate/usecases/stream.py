"""Recording batches of the event stream: the progress and the end of executions.

Batches come in any order and late, so an event is no evidence that a decision in doubt was taken:
it may be older than the decision. Only known executions are updated.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import Execution, ExecutionState, TaskUpdate, about
from crewgate.domain.reason import AnsweredElsewhere
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import State
from crewgate.domain.stream import (
    Failed,
    FeedbackReceived,
    Finished,
    MethodFinished,
    StreamEvent,
    TaskFinished,
    TaskStarted,
)
from crewgate.usecases.evidence import STATUS_POLL
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.store import Tx, UnitOfWork
from crewgate.usecases.timed import apply
from crewgate.usecases.track import end_execution


async def record_events(
    crew: str, events: Iterable[StreamEvent], *, uow: UnitOfWork, clock: Clock
) -> None:
    """Record events in the order in which they happened, a transaction for each execution."""
    by_execution = sorted(events, key=lambda event: (event.execution_id, event.at))
    for execution_id, group in groupby(by_execution, key=lambda event: event.execution_id):
        await _record(crew, execution_id, tuple(group), uow=uow, at=clock())


async def _record(
    crew: str, execution_id: str, events: tuple[StreamEvent, ...], *, uow: UnitOfWork, at: datetime
) -> None:
    async with uow.begin() as tx:
        if await tx.executions.find(crew, execution_id) is None:
            return
        execution = await tx.executions.open(crew, execution_id, at=at)
        redactor = Redactor(await tx.executions.secrets_of_opened(execution))
        if any(event.of_flow for event in events) and not execution.is_flow:
            execution = await _is_flow(tx, execution)
        for event in events:
            execution = await _apply(tx, execution, redactor.fields(event), at=at)


async def _is_flow(tx: Tx, execution: Execution) -> Execution:
    """Mark an execution as a flow. An end by an event was the end of one of its crews."""
    flow = replace(execution.reopen() if execution.ended_by_event else execution, is_flow=True)
    await tx.executions.save(flow)
    return flow


async def _apply(tx: Tx, execution: Execution, event: StreamEvent, *, at: datetime) -> Execution:
    match event.body:
        case FeedbackReceived(request_id):
            await _answered(tx, execution, request_id, at=at)
        case Finished(result, tokens) if event.of_flow or not execution.is_flow:
            ended = execution.end(
                ExecutionState.COMPLETED, at, result=result, tokens=tokens, by_event=True
            )
            return await _end(tx, execution, ended, at=at)
        case Failed(error) if event.of_flow or not execution.is_flow:
            ended = execution.end(ExecutionState.FAILED, at, error=error, by_event=True)
            return await _end(tx, execution, ended, at=at)
        case _ if execution.is_over:
            pass
        case TaskStarted(name) if execution.is_flow:
            return await _show(tx, execution, replace(execution, current_task=name), at=at)
        case MethodFinished(name):
            update = TaskUpdate(title=name)
            # Other crews may have events of the same id.
            update_id = f"{execution.crew} {execution.execution_id} {event.id}"
            if await tx.executions.add_task_update(update_id, execution, update, at=at):
                # The event of the present task may have come before this one.
                now_at = None if execution.current_task == name else execution.current_task
                counted = replace(execution.finish_task(), current_task=now_at)
                return await _show(tx, execution, counted, at=at)
        case TaskStarted() | TaskFinished():
            # The status is evidence, so no event may change what it is compared with. Webhooks and
            # the status count finished tasks, which must not count twice.
            poll = about(execution, EffectKind.POLL_STATUS)
            await tx.expedite(poll, at=at + STATUS_POLL.first)
        case _:
            pass
    return execution


async def _show(tx: Tx, before: Execution, execution: Execution, *, at: datetime) -> Execution:
    if execution != before:
        await tx.executions.save(execution)
        if execution.tracked:
            await tx.enqueue([about(execution, EffectKind.REFRESH_PROGRESS)], at=at)
    return execution


async def _end(tx: Tx, before: Execution, ended: Execution, *, at: datetime) -> Execution:
    """End an execution, unless it had ended before and this brings no result."""
    if not before.is_over or (before.awaits_result and not ended.awaits_result):
        await end_execution(tx, before, ended, at=at)
    return ended


async def _answered(tx: Tx, execution: Execution, request_id: str, *, at: datetime) -> None:
    """Close the round of a request that the flow has an answer to."""
    round_ = await tx.round_of_request(execution.crew, execution.execution_id, request_id)
    if round_ is None or round_.state not in (State.WAITING, State.STUCK):
        return
    closed = round_.close(AnsweredElsewhere(), at)
    await apply(tx, closed, at=at)

"""Asking a crew how far an execution is, ever less often, until it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import RESULT_WITHIN, Execution, ExecutionState, about
from crewgate.domain.outcome import Delivered, Outcome
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import State
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.evidence import (
    PAUSED_POLL,
    STATUS_POLL,
    reopen,
    settle_stuck,
    waits_for_a_person,
)
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from crewgate.usecases.track import end_execution


async def poll_status(job: Job, context: DeliveryContext) -> Outcome:
    """Ask a crew for an execution's status, and ask again later unless it is over.

    One that is gone is asked for too: a 404 may have been a mistake of days.
    """
    effect = job.effect
    client = context.clients.get(effect.crew)
    execution = await context.uow.read.executions.find(effect.crew, effect.execution_id)
    if client is None or execution is None or _has_ended(execution):
        async with context.uow.begin() as tx:
            now = context.clock()
            reopened = (
                client
                and execution
                and not _has_ended(
                    await tx.executions.open(effect.crew, effect.execution_id, at=now)
                )
            )
            if reopened:  # since it was read
                await tx.retry(job, at=now + STATUS_POLL.first, in_doubt=False)
            else:
                await tx.complete(job)
        return Delivered()
    asked_at = context.clock()
    answer = await client.status(effect.execution_id)
    now = context.clock()
    async with context.uow.begin() as tx:
        execution = await tx.executions.open(effect.crew, effect.execution_id, at=now)
        recorded = await record_answer(tx, execution, answer, asked_at=asked_at)
        if _has_ended(recorded.execution) or now - job.created_at >= STATUS_POLL.give_up_after:
            await tx.complete(job)
        else:
            wait = await _until_next(tx, recorded.execution, answer, job.tries, context.jitter())
            await tx.retry(job, at=now + wait, in_doubt=False)
    return Delivered()


async def _until_next(
    tx: Tx,
    execution: Execution,
    answer: Progress | CrewUnavailable,
    tries: int,
    jitter: float,
) -> timedelta:
    """Ever less often, and rarely while a person is waited for.

    What is doubted is asked about again soon: it must be heard several times.
    """
    wait = STATUS_POLL.after(tries + 1, jitter=jitter)
    gone = isinstance(answer, CrewUnavailable) and answer.gone
    doubted = gone or execution.not_found_since is not None
    if doubted or not await waits_for_a_person(tx, execution):
        return wait
    return PAUSED_POLL * (1 - 0.5 * jitter)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an answer made of an execution."""

    execution: Execution
    taken_until: datetime | None = None
    """What was decided on rounds that opened until then was taken, if it was in doubt."""


async def record_answer(
    tx: Tx, execution: Execution, answer: Progress | CrewUnavailable, *, asked_at: datetime
) -> Recorded:
    """Take over a crew's answer to how far an opened execution is."""
    answer = Redactor(await tx.executions.secrets_of(execution)).fields(answer)
    if execution.asked_at is not None and asked_at < execution.asked_at:
        return Recorded(execution)  # a later answer was faster
    if isinstance(answer, Progress) and execution.state is ExecutionState.GONE:
        execution = await reopen(tx, execution, at=asked_at)
    taken_until = _taken_until(execution, answer, asked_at)
    if execution.is_over:
        told = _with_result(execution, answer, asked_at)
        if told != execution:
            await end_execution(tx, execution, told, at=asked_at)
        return Recorded(told, taken_until)
    updated = _updated(execution, answer, asked_at)
    if updated.state is ExecutionState.GONE and await _is_asked(tx, execution):
        return Recorded(execution)
    doubtful = _is_doubtful_end(updated) and await _has_to_act(tx, execution)
    if doubtful:
        updated = execution.doubt(updated, asked_at)
    if updated.is_over:
        await end_execution(tx, execution, updated, at=asked_at, while_waiting=doubtful)
    elif updated != execution:
        await _save_progress(tx, execution, updated, at=asked_at)
        if taken_until is not None and updated.stuck_in_doubt:
            updated = await settle_stuck(tx, updated, opened_until=taken_until, at=asked_at)
    return Recorded(updated, taken_until)


async def _save_progress(tx: Tx, execution: Execution, updated: Execution, *, at: datetime) -> None:
    await tx.executions.save(updated)
    if _shown(updated) != _shown(execution):
        await tx.enqueue([about(updated, EffectKind.PROGRESS)], at=at)


async def _is_asked(tx: Tx, execution: Execution) -> bool:
    """Whether a flow waits for an answer: its request says better than its status if it is gone."""
    unfinished = await tx.unfinished(execution.crew, execution.execution_id)
    return any(round_.question is not None for round_ in unfinished)


def _is_doubtful_end(execution: Execution) -> bool:
    """Whether anything in front of a crew could say as much of one that waits for a person."""
    match execution.state:
        case ExecutionState.FAILED:
            return True
        case ExecutionState.COMPLETED:
            return execution.result is None or not execution.result.text.strip()
        case _:
            return False


async def _has_to_act(tx: Tx, execution: Execution) -> bool:
    """Whether a person has to decide, or to send again what the crew surely did not get."""
    return any(
        round_.state is State.WAITING or (round_.state is State.STUCK and not round_.in_doubt)
        for round_ in await tx.unfinished(execution.crew, execution.execution_id)
    )


def _taken_until(
    execution: Execution, answer: Progress | CrewUnavailable, asked_at: datetime
) -> datetime | None:
    """See `Recorded`. A crew that waits for us can neither complete nor get further."""
    match answer:
        case Progress(status=CrewStatus.COMPLETED):
            return asked_at
        case Progress(status=CrewStatus.RUNNING) if execution.has_moved(
            completed_tasks=answer.completed_tasks, current_task=answer.current_task
        ):
            # It was no further when it was asked before: what it waited for then, it got.
            return execution.asked_at
        case _:
            return None


def _updated(
    execution: Execution, answer: Progress | CrewUnavailable, asked_at: datetime
) -> Execution:
    match answer:
        case CrewUnavailable(gone=gone):
            return execution.not_found(asked_at) if gone else execution
        case Progress(status=CrewStatus.FAILED):
            return execution.end(ExecutionState.FAILED, asked_at, error=answer.error or "")
    completed = answer.status is CrewStatus.COMPLETED
    told = execution.update_progress(
        completed_tasks=answer.completed_tasks,
        total_tasks=answer.total_tasks,
        current_task=None if completed else answer.current_task,
        asked_at=asked_at,
    )
    if completed:
        return told.end(ExecutionState.COMPLETED, asked_at, result=answer.result)
    return told


def _with_result(
    execution: Execution, answer: Progress | CrewUnavailable, asked_at: datetime
) -> Execution:
    """Take the result from the status of what an event ended; after a while, do without."""
    match answer:
        case _ if not execution.awaits_result:
            return execution
        case Progress(status=CrewStatus.COMPLETED, result=result):
            return execution.end(ExecutionState.COMPLETED, asked_at, result=result)
        case _ if asked_at >= (execution.ended_at or asked_at) + RESULT_WITHIN:
            return execution.end(ExecutionState.COMPLETED, asked_at)
        case _:
            return execution


def _has_ended(execution: Execution) -> bool:
    over = execution.is_over and execution.state is not ExecutionState.GONE
    return over and not execution.awaits_result


def _shown(execution: Execution) -> tuple[object, ...]:
    return execution.completed_tasks, execution.total_tasks, execution.current_task

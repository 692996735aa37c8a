"""Polls of crews for the status of executions that nothing else tells of."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import Execution, ExecutionState, effect_on
from crewgate.domain.outcome import Delivered, Outcome
from crewgate.usecases import track
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.crew import CrewClient
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress


async def poll_status(job: Job, context: DeliveryContext) -> Outcome:
    """Ask a crew for an execution's status, and ask again later unless it is over.

    Keep polling after a 404: crews have been seen to lose an execution for days.
    """
    effect = job.effect
    client = context.clients.get(effect.crew)
    execution = await context.uow.read.executions.find(effect.crew, effect.execution_id)
    if execution is None or _has_ended(execution):
        async with context.uow.begin() as tx:
            now, of = context.clock(), (effect.crew, effect.execution_id)
            if execution is None or _has_ended(await tx.executions.open(*of, at=now)):
                await tx.complete(job)
            else:  # a webhook reopened the execution after this read
                await tx.retry(job, at=now + track.STATUS_POLL.first, in_doubt=False)
        return Delivered()
    if client is None:
        return await _end_unasked(job, execution, context)
    asked = await ask(execution, client, context)
    now = context.clock()
    async with context.uow.begin() as tx:
        recorded = await record_answer(tx, asked)
        given_up = now - job.created_at >= track.STATUS_POLL.give_up_after
        if given_up or _has_ended(recorded.execution):
            await tx.complete(job)
        else:
            jitter = context.jitter()
            wait = await _until_next(tx, recorded.execution, asked.answer, job.tries, jitter)
            await tx.retry(job, at=now + wait, in_doubt=False)
    return Delivered()


async def _end_unasked(job: Job, execution: Execution, context: DeliveryContext) -> Outcome:
    """End an execution whose crew cannot be asked, once nothing waits in the execution.

    Otherwise its texts would never be removed. A later pause reopens it.
    """
    now = context.clock()
    async with context.uow.begin() as tx:
        execution = await tx.executions.open(execution.crew, execution.execution_id, at=now)
        if await tx.unfinished(execution.crew, execution.execution_id):
            await tx.retry(job, at=now + track.PAUSED_POLL, in_doubt=False)
        else:
            await tx.executions.save(execution.end(ExecutionState.COMPLETED, now))
            await tx.complete(job)
    return Delivered()


@dataclass(frozen=True, slots=True)
class Asked:
    """A crew's answer about an execution, and the execution before the question."""

    before: Execution
    at: datetime
    answer: Progress | CrewUnavailable


async def ask(execution: Execution, client: CrewClient, context: DeliveryContext) -> Asked:
    at = context.clock()
    return Asked(execution, at, await client.status(execution.execution_id))


async def _until_next(
    tx: Tx, execution: Execution, answer: Progress | CrewUnavailable, tries: int, jitter: float
) -> timedelta:
    """Return the time until the next question: ever longer, and long while a person is awaited.

    A short wait follows a doubtful answer, because such an answer must be repeated to count.
    """
    wait = track.STATUS_POLL.after(tries + 1, jitter=jitter)
    gone = isinstance(answer, CrewUnavailable) and answer.gone
    doubted = gone or execution.not_found_since is not None
    if doubted or not await track.waits_for_a_person(tx, execution):
        return wait
    return track.PAUSED_POLL * (1 - 0.5 * jitter)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An execution with the crew's answer applied, and the task that this shows to be left."""

    execution: Execution
    left: str | None = None


async def record_answer(tx: Tx, asked: Asked) -> Recorded:
    """Apply a crew's answer to its execution.

    If a webhook came since the question, the answer may be older than the webhook, and is no
    evidence that the crew has left a task. Webhooks are counted, because a clock can be set back.
    """
    before, asked_at = asked.before, asked.at
    execution = await tx.executions.open(before.crew, before.execution_id, at=asked_at)
    key = before.crew, before.execution_id
    answer = await track.without_callers_paths(asked.answer, *key, tx)
    was_asked_since = execution.asked_at not in (None, before.asked_at)
    if was_asked_since and execution.asked_at is not None and asked_at < execution.asked_at:
        return Recorded(execution)  # a later question was answered before this one
    if isinstance(answer, Progress) and execution.state is ExecutionState.GONE:
        execution = await track.reopen(tx, execution, at=asked_at)
    if execution.is_over:
        return Recorded(execution)
    updated = _updated(execution, answer, asked)
    if updated.state is ExecutionState.GONE and await _is_asked(tx, execution):
        return Recorded(execution)
    doubtful = _is_doubtful_end(updated) and bool(
        await tx.unfinished(execution.crew, execution.execution_id)
    )
    if doubtful:
        updated = execution.doubt(updated, asked_at)
    if updated.is_over:
        await track.end_execution(tx, execution, updated, at=asked_at, while_waiting=doubtful)
        return Recorded(updated)
    is_current = execution.activity_count == before.activity_count
    left = execution.has_left(updated.current_task) if is_current else None
    if updated != execution:
        await tx.executions.save(updated)
        if _shown(updated) != _shown(execution):
            await tx.enqueue([effect_on(updated, EffectKind.REFRESH_PROGRESS)], at=asked_at)
        if left is not None and updated.stuck_in_doubt:
            updated = await track.settle_stuck(tx, updated, at=asked_at, left=left)
    return Recorded(updated, left)


async def _is_asked(tx: Tx, execution: Execution) -> bool:
    """Return True if a flow or a fetching asker waits, which tells more than a status."""
    unfinished = await tx.unfinished(execution.crew, execution.execution_id)
    return any(round_.is_of_flow or round_.is_fetched for round_ in unfinished)


def _is_doubtful_end(execution: Execution) -> bool:
    """Return True if a proxy in front of the crew could have reported this end."""
    match execution.state:
        case ExecutionState.FAILED:
            return True
        case ExecutionState.COMPLETED:
            return execution.result is None or not execution.result.text.strip()
        case _:
            return False


def _updated(execution: Execution, answer: Progress | CrewUnavailable, asked: Asked) -> Execution:
    asked_at = asked.at
    match answer:
        case CrewUnavailable(gone=gone):
            return execution.not_found(asked_at) if gone else execution
        case Progress(status=CrewStatus.FAILED):
            return execution.end(ExecutionState.FAILED, asked_at, error=answer.error or "")
    completed = answer.status is CrewStatus.COMPLETED
    progress = execution.update_progress(
        completed_tasks=answer.completed_tasks,
        total_tasks=answer.total_tasks,
        current_task=None if completed else answer.current_task,
        asked_at=asked_at,
        asked_activity=asked.before.activity_count,
    )
    if completed:
        return progress.end(ExecutionState.COMPLETED, asked_at, result=answer.result)
    return progress


def _has_ended(execution: Execution) -> bool:
    return execution.is_over and execution.state is not ExecutionState.GONE


def _shown(execution: Execution) -> tuple[object, ...]:
    return execution.completed_tasks, execution.total_tasks, execution.current_task

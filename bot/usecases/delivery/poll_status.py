"""Asking a crew how far an execution is, ever less often, until it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.effects import EffectKind
from bot.domain.execution import Execution, ExecutionState
from bot.domain.outcome import Delivered, Outcome
from bot.domain.redaction import Redactor
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.ports.outbox import Job
from bot.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from bot.usecases.track import STATUS_POLL, about, end_execution

#: A crew that says 404 sooner may only be reached at a wrong address, or be just deployed: a review
#: is not closed on that word alone.
GONE_AFTER = timedelta(minutes=10)


async def poll_status(job: Job, context: DeliveryContext) -> Outcome:
    """Ask a crew for an execution's status, and ask again later unless it is over."""
    effect = job.effect
    client = context.clients.get(effect.crew)
    execution = await context.uow.read.executions.find(effect.crew, effect.execution_id)
    if client is None or execution is None or execution.is_over:
        async with context.uow.begin() as tx:
            await tx.complete(job)
        return Delivered()
    answer = await client.status(effect.execution_id)
    now = context.clock()
    async with context.uow.begin() as tx:
        execution = await tx.executions.open(effect.crew, effect.execution_id, at=now)
        answer = Redactor(await tx.executions.secrets_of(execution)).fields(answer)
        updated = _updated(execution, answer, now)
        if updated.is_over:
            await end_execution(tx, execution, updated, at=now)
        elif updated != execution:
            await tx.executions.save(updated)
            await tx.enqueue([about(updated, EffectKind.PROGRESS)], at=now)
        if updated.is_over or now - job.created_at >= STATUS_POLL.give_up_after:
            await tx.complete(job)
        else:
            wait = STATUS_POLL.after(job.tries + 1, jitter=context.jitter())
            await tx.retry(job, at=now + wait, in_doubt=False)
    return Delivered()


def _updated(execution: Execution, answer: Progress | CrewUnavailable, now: datetime) -> Execution:
    match answer:
        case CrewUnavailable(gone=True) if now - execution.began_at >= GONE_AFTER:
            return execution.end(ExecutionState.GONE, now)
        case CrewUnavailable():
            return execution
        case Progress(status=CrewStatus.COMPLETED):
            execution = execution.update_progress(
                completed_tasks=answer.completed_tasks,
                total_tasks=answer.total_tasks,
                current_task=None,
            )
            return execution.end(ExecutionState.COMPLETED, now, result=answer.result)
        case Progress(status=CrewStatus.FAILED):
            return execution.end(ExecutionState.FAILED, now, error=answer.error or "")
        case _:
            return execution.update_progress(
                completed_tasks=answer.completed_tasks,
                total_tasks=answer.total_tasks,
                current_task=answer.current_task,
            )

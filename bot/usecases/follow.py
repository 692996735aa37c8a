"""Following an execution to its end: what its webhooks and its status say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.effects import Effect, EffectKind
from bot.domain.execution import (
    FAILED,
    GONE,
    CrewUpdate,
    Execution,
    ExecutionState,
    ExecutionUpdate,
    StepUpdate,
    TaskUpdate,
)
from bot.domain.outcome import Delivered, Outcome
from bot.domain.retry import Retry
from bot.domain.review import ENDED
from bot.domain.verdict import Person
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.ports.base import NewId
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.store import Tx, UnitOfWork
from bot.usecases.read_models import CrewStatus, CrewUnavailable, ForwardedWebhook, Progress

#: How often a crew is asked for an execution's status: after 5 s, then ever less often.
STATUS_POLL = Retry(
    first=timedelta(seconds=5), longest=timedelta(minutes=5), give_up_after=timedelta(days=14)
)
#: A crew that says 404 sooner may only be reached at a wrong address, or be just deployed: a review
#: is not closed on that word alone.
GONE_AFTER = timedelta(minutes=10)


async def begin(
    tx: Tx,
    crew: str,
    execution_id: str,
    *,
    at: datetime,
    starter: Person | None = None,
    inputs: tuple[tuple[str, str], ...] = (),
) -> None:
    """From now on people follow this execution: it was started here, or it has a review.

    What was heard of it before is shown now.
    """
    execution = await tx.executions.open(crew, execution_id, at=at)
    if execution.known and starter is None and not execution.is_over:
        return
    first, again = not execution.known, execution.known and execution.is_over
    if starter is not None:
        execution = replace(execution, starter=starter, inputs=inputs)
    if again:
        execution = execution.begin_again()
    await tx.executions.save(replace(execution, known=True))
    effects = (
        [_about(execution, EffectKind.PROGRESS)]
        if starter is not None or execution.finished
        else []
    )
    if first:
        effects += [
            _about(execution, EffectKind.TASK_DONE, name)
            for name in await tx.executions.task_updates_of(execution)
        ]
    if execution.is_over:
        effects.append(_about(execution, EffectKind.POST_RESULT))
    await tx.enqueue(effects, at=at)
    if (first or again) and not execution.is_over:
        await tx.enqueue(
            [_about(execution, EffectKind.POLL_STATUS)], at=at + STATUS_POLL.first, wake=False
        )


async def record_update(
    crew: str,
    execution_id: str,
    news: ExecutionUpdate,
    *,
    uow: UnitOfWork,
    at: datetime,
    new_id: NewId,
    webhook: ForwardedWebhook | None = None,
) -> None:
    """A task, step or crew webhook came; `webhook` is to be handed on as it is."""
    async with uow.begin() as tx:
        if webhook is not None:
            await tx.executions.send(webhook)
            forward = Effect(EffectKind.FORWARD, webhook.id, crew, execution_id)
            await tx.enqueue([forward], at=at)
        if isinstance(news, StepUpdate):
            execution = await tx.executions.open(crew, execution_id, at=at)
            await tx.executions.save(replace(execution, step=news.doing))
            return
        await tx.record_activity(crew, execution_id, at=at)
        execution = await tx.executions.open(crew, execution_id, at=at)
        if isinstance(news, TaskUpdate):
            await _task_done(tx, execution, news, at=at, update_id=new_id())
        else:
            await _crew_done(tx, execution, news, at=at)


async def _task_done(
    tx: Tx, execution: Execution, news: TaskUpdate, *, at: datetime, update_id: str
) -> None:
    await tx.executions.add_task_update(update_id, execution, news, at=at)
    execution = execution.finish_task()
    await tx.executions.save(execution)
    if execution.known:
        kinds = (
            _about(execution, EffectKind.PROGRESS),
            _about(execution, EffectKind.TASK_DONE, update_id),
        )
        await tx.enqueue(kinds, at=at)


async def _crew_done(tx: Tx, execution: Execution, news: CrewUpdate, *, at: datetime) -> None:
    ended = execution.end(ExecutionState.COMPLETED, at, result=news.result, tokens=news.tokens)
    await _end(tx, execution, ended, ENDED, at=at)


async def follow(job: Job, context: DeliveryContext) -> Outcome:
    """Ask the crew how far an execution is, ever less often, until it is over."""
    effect = job.effect
    client = context.clients.get(effect.crew)
    view = await context.uow.read.executions.view(effect.crew, effect.execution_id)
    if client is None or view is None or view.execution.is_over:
        async with context.uow.begin() as tx:
            await tx.complete(job)
        return Delivered()
    said = await client.status(effect.execution_id)
    now = context.clock()
    async with context.uow.begin() as tx:
        execution = await tx.executions.open(effect.crew, effect.execution_id, at=now)
        looked = _learn(execution, said, now)
        if looked.is_over:
            reason = {ExecutionState.FAILED: _failed(looked), ExecutionState.GONE: GONE}
            await _end(tx, execution, looked, reason.get(looked.state, ENDED), at=now)
        elif looked != execution:
            await tx.executions.save(looked)
            await tx.enqueue([_about(looked, EffectKind.PROGRESS)], at=now)
        if looked.is_over or now - job.created_at >= STATUS_POLL.give_up_after:
            await tx.complete(job)
        else:
            wait = STATUS_POLL.after(job.tries + 1, jitter=context.jitter())
            await tx.retry(job, at=now + wait, in_doubt=False)
    return Delivered()


def _learn(execution: Execution, said: Progress | CrewUnavailable, now: datetime) -> Execution:
    match said:
        case CrewUnavailable(gone=True) if now - execution.began_at >= GONE_AFTER:
            return execution.end(ExecutionState.GONE, now)
        case CrewUnavailable():
            return execution
        case Progress(status=CrewStatus.COMPLETED):
            execution = execution.look(
                finished=said.completed_tasks, total=said.total_tasks, current=None
            )
            return execution.end(ExecutionState.COMPLETED, now, result=said.result)
        case Progress(status=CrewStatus.FAILED):
            return execution.end(ExecutionState.FAILED, now, error=said.error or "")
        case _:
            return execution.look(
                finished=said.completed_tasks, total=said.total_tasks, current=said.current_task
            )


def _failed(execution: Execution) -> str:
    return f"{FAILED}: {execution.error}" if execution.error else FAILED


async def _end(tx: Tx, before: Execution, ended: Execution, reason: str, *, at: datetime) -> None:
    """Close what waits, and say so once."""
    await tx.executions.save(ended)
    for round_ in await tx.unfinished(ended.crew, ended.execution_id):
        move = round_.close(reason, at)
        await tx.save(move.round)
        await tx.enqueue(move.effects, at=at)
    if not ended.known:
        return
    effects = [_about(ended, EffectKind.PROGRESS)]
    if not before.is_over:
        effects.append(_about(ended, EffectKind.POST_RESULT))
    await tx.enqueue(effects, at=at)


def _about(execution: Execution, kind: EffectKind, subject: str = "") -> Effect:
    return Effect(kind, subject or execution.execution_id, execution.crew, execution.execution_id)

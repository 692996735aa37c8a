"""Carrying out what must be seen of an execution: progress, finished tasks, the end."""

from __future__ import annotations

from datetime import datetime

from bot.domain.effects import Effect, EffectKind
from bot.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.delivery.settle import earlier_try, settle
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.slack import MessageKind, Posted
from bot.usecases.ports.store import Tx
from bot.usecases.read_models import TrackedExecution


async def progress(job: Job, context: DeliveryContext) -> Outcome:
    """Post the message that shows how far an execution is, or bring it up to date."""
    view = await _view(job, context)
    if view is None:
        return await settle(job, Delivered("nothing to show"), context)
    if view.line is None:
        return await _say(job, context, MessageKind.PROGRESS, view)
    outcome = await context.execution_messenger.update(view)
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.MESSAGE_GONE:
        outcome = Delivered("deleted")
    return await settle(job, outcome, context)


async def task_done(job: Job, context: DeliveryContext) -> Outcome:
    """Post a finished task in one line."""
    view = await _view(job, context)
    news = await context.uow.read.executions.news(job.effect.subject)
    if view is None or news is None:
        return await settle(job, Delivered("nothing to show"), context)
    return await _say(job, context, MessageKind.TASK, view)


async def conclude(job: Job, context: DeliveryContext) -> Outcome:
    """Post how an execution ended; a result that a message cannot hold follows as a file."""
    view = await _view(job, context)
    if view is None or not view.execution.is_over:
        return await settle(job, Delivered("not over"), context)
    return await _say(job, context, MessageKind.END, view)


async def result_file(job: Job, context: DeliveryContext) -> Outcome:
    """Put the whole result as a file into the thread."""
    view = await _view(job, context)
    if view is None or view.execution.result is None:
        return await settle(job, Delivered("nothing to attach"), context)
    outcome = await context.execution_messenger.attach_result(view, posted_since=earlier_try(job))
    return await settle(job, outcome, context)


async def forward_failed(job: Job, context: DeliveryContext) -> Outcome:
    """Say that a caller's address did not take a webhook."""
    view = await context.uow.read.executions.view(job.effect.crew, job.effect.execution_id)
    if view is None:
        return await settle(job, Delivered("nothing to say"), context)
    return await _say(job, context, MessageKind.FORWARD_FAILED, view)


async def _view(job: Job, context: DeliveryContext) -> TrackedExecution | None:
    return await context.uow.read.executions.view(job.effect.crew, job.effect.execution_id)


async def _say(
    job: Job, context: DeliveryContext, what: MessageKind, view: TrackedExecution
) -> Outcome:
    crew = context.crews.get(job.effect.crew)
    channel = view.channel or (crew.channel if crew else None)
    if channel is None:
        return await settle(job, Refused("unknown_crew", "no such crew"), context)
    subject = job.effect.subject
    news = await context.uow.read.executions.news(subject) if what is MessageKind.TASK else None
    posted_since: datetime | None = earlier_try(job)
    outcome = await context.execution_messenger.say(
        what, view, channel=channel, posted_since=posted_since, subject=subject, news=news
    )
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.THREAD_GONE:
        async with context.uow.begin() as tx:
            await tx.executions.forget_thread(view.execution)
            await tx.retry(job, at=context.clock(), in_doubt=False)
        return outcome
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        await _place(tx, what, view, outcome)
        if outcome.excerpted:
            effect = Effect(
                EffectKind.RESULT_FILE, subject, job.effect.crew, job.effect.execution_id
            )
            await tx.enqueue([effect], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def _place(tx: Tx, what: MessageKind, view: TrackedExecution, posted: Posted) -> None:
    if what is MessageKind.PROGRESS:
        await tx.executions.place_line(view.execution, posted.ref)
    else:
        await tx.executions.join_thread(view.execution, posted.ref)

"""Carrying out what must be seen of an execution: progress, finished tasks, the end."""

from __future__ import annotations

from datetime import datetime

from bot.domain.effects import Effect, EffectKind
from bot.domain.outcome import Delivered, Outcome, Refused
from bot.usecases.delivery.context import Outside
from bot.usecases.delivery.settle import MESSAGE_GONE, THREAD_GONE, posted_since, settle
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.slack import Posted, Saying
from bot.usecases.ports.store import Tx
from bot.usecases.read_models import RunView


async def progress(job: Job, outside: Outside) -> Outcome:
    """Post the message that shows how far an execution is, or bring it up to date."""
    view = await _view(job, outside)
    if view is None:
        return await settle(job, Delivered("nothing to show"), outside)
    if view.line is None:
        return await _say(job, outside, Saying.PROGRESS, view)
    outcome = await outside.reporter.update(view)
    if isinstance(outcome, Refused) and outcome.code == MESSAGE_GONE:
        outcome = Delivered("deleted")
    return await settle(job, outcome, outside)


async def task_done(job: Job, outside: Outside) -> Outcome:
    """Post a finished task in one line."""
    view = await _view(job, outside)
    news = await outside.uow.read.runs.news(job.effect.subject)
    if view is None or news is None:
        return await settle(job, Delivered("nothing to show"), outside)
    return await _say(job, outside, Saying.TASK, view)


async def conclude(job: Job, outside: Outside) -> Outcome:
    """Post how an execution ended; a result that a message cannot hold follows as a file."""
    view = await _view(job, outside)
    if view is None or not view.run.is_over:
        return await settle(job, Delivered("not over"), outside)
    return await _say(job, outside, Saying.END, view)


async def result_file(job: Job, outside: Outside) -> Outcome:
    """Put the whole result as a file into the thread."""
    view = await _view(job, outside)
    if view is None or view.run.result is None:
        return await settle(job, Delivered("nothing to attach"), outside)
    outcome = await outside.reporter.attach_result(view, look_since=posted_since(job))
    return await settle(job, outcome, outside)


async def not_handed_on(job: Job, outside: Outside) -> Outcome:
    """Say that a caller's address did not take a webhook."""
    view = await outside.uow.read.runs.view(job.effect.crew, job.effect.execution_id)
    if view is None:
        return await settle(job, Delivered("nothing to say"), outside)
    return await _say(job, outside, Saying.NOT_HANDED_ON, view)


async def _view(job: Job, outside: Outside) -> RunView | None:
    return await outside.uow.read.runs.view(job.effect.crew, job.effect.execution_id)


async def _say(job: Job, outside: Outside, what: Saying, view: RunView) -> Outcome:
    crew = outside.crews.get(job.effect.crew)
    channel = view.channel or (crew.channel if crew else None)
    if channel is None:
        return await settle(job, Refused("unknown_crew", "no such crew"), outside)
    subject = job.effect.subject
    news = await outside.uow.read.runs.news(subject) if what is Saying.TASK else None
    look_since: datetime | None = posted_since(job)
    outcome = await outside.reporter.say(
        what, view, channel=channel, look_since=look_since, subject=subject, news=news
    )
    if isinstance(outcome, Refused) and outcome.code == THREAD_GONE:
        async with outside.uow.begin() as tx:
            await tx.runs.forget_thread(view.run)
            await tx.again(job, at=outside.clock(), unsure=False)
        return outcome
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, outside)
    async with outside.uow.begin() as tx:
        await _place(tx, what, view, outcome)
        if outcome.excerpted:
            effect = Effect(
                EffectKind.RESULT_FILE, subject, job.effect.crew, job.effect.execution_id
            )
            await tx.enqueue([effect], at=outside.clock())
        await tx.done(job)
    return Delivered()


async def _place(tx: Tx, what: Saying, view: RunView, posted: Posted) -> None:
    if what is Saying.PROGRESS:
        await tx.runs.place_line(view.run, posted.ref)
    else:
        await tx.runs.join_thread(view.run, posted.ref)

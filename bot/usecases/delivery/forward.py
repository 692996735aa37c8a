"""Handing a crew's webhooks on to the URL its caller gave: durably, in order, unchanged."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.effects import Effect, EffectKind
from bot.domain.execution import RunState
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.usecases.delivery.context import Outside
from bot.usecases.ports.outbox import Job
from bot.usecases.read_models import Parcel

#: How long a kickoff's answer, with the URLs its caller gave, may be behind the first webhook.
OVERTAKEN = timedelta(minutes=15)


async def hand_on(job: Job, outside: Outside) -> Outcome:
    """Bring one parcel to where its caller listens; the next of the execution waits for it."""
    parcel = await outside.uow.read.runs.parcel(job.effect.subject)
    crew = outside.crews.get(job.effect.crew)
    if parcel is None or crew is None:
        return await _drop(job, outside)
    given = await outside.uow.read.runs.targets(parcel.crew, parcel.execution_id)
    urls = crew.hands_on(given)
    url = {"task": urls.task, "step": urls.step, "crew": urls.crew}[parcel.kind]
    if url is None:
        return await _wait_for_url(job, parcel, outside)
    outcome = await outside.courier.bring(parcel, url)
    if isinstance(outcome, Delivered):
        return await _drop(job, outside)
    out_of_patience = outside.clock() - job.created_at >= outside.retry.patience
    if isinstance(outcome, Refused) or out_of_patience:
        await _give_up(job, parcel, outside)
        return outcome
    async with outside.uow.begin() as tx:
        await tx.again(job, at=outside.next_try(job, unsure=False), unsure=False)
    # One caller's address says nothing about the others': the worker need not wait.
    return Unknown(outcome.why) if isinstance(outcome, NotSent) else outcome


async def _wait_for_url(job: Job, parcel: Parcel, outside: Outside) -> Outcome:
    """Nobody gave a URL, unless the answer to the kickoff has been overtaken."""
    view = await outside.uow.read.runs.view(parcel.crew, parcel.execution_id)
    known = view is not None and (view.run.known or view.run.state is not RunState.RUNNING)
    if known or outside.clock() - job.created_at >= OVERTAKEN:
        return await _drop(job, outside)
    async with outside.uow.begin() as tx:
        await tx.again(job, at=outside.next_try(job, unsure=False), unsure=False)
    return Delivered("not yet")


async def _drop(job: Job, outside: Outside) -> Outcome:
    async with outside.uow.begin() as tx:
        await tx.runs.drop(job.effect.subject)
        await tx.done(job)
    return Delivered()


async def _give_up(job: Job, parcel: Parcel, outside: Outside) -> None:
    say = Effect(EffectKind.NOT_HANDED_ON, parcel.kind, parcel.crew, parcel.execution_id)
    async with outside.uow.begin() as tx:
        await tx.runs.drop(parcel.id)
        await tx.enqueue([say], at=outside.clock())
        await tx.done(job)

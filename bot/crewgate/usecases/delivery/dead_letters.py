"""Reporting webhooks that could not be understood."""

from __future__ import annotations

from dataclasses import replace

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Delivered, Outcome
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.messages import post, refresh
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Posted, Thread


async def report(job: Job, context: DeliveryContext) -> Outcome:
    """Report a webhook that could not be understood in its crew's channel."""
    dead_letter = await context.uow.read.dead_letter(job.effect.subject)
    crew = context.crews.get(job.effect.crew)
    if dead_letter is None or crew is None:
        return await settle(job, Delivered("nothing to report"), context)
    outcome = await post(job, dead_letter, context, to=Thread(crew.channel))
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        if await tx.place_report(dead_letter.id, outcome.ref):
            # Nobody knew then where the report was.
            refresh = replace(job.effect, kind=EffectKind.REFRESH_REPORT)
            await tx.enqueue([refresh], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def refresh_report(job: Job, context: DeliveryContext) -> Outcome:
    """Bring a report up to date; one that somebody deleted stays deleted."""
    dead_letter = await context.uow.read.dead_letter(job.effect.subject)
    known = job.effect.crew in context.crews
    if dead_letter is None or dead_letter.report is None or not known:
        return await settle(job, Delivered("never posted"), context)
    return await refresh(job, dead_letter, dead_letter.report, context)

"""Reporting webhooks that could not be understood."""

from __future__ import annotations

from dataclasses import replace

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.settle import occasion, settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Posted, Thread


async def report(job: Job, context: DeliveryContext) -> Outcome:
    """Report a webhook that could not be understood in its crew's channel."""
    dead_letter = await context.uow.read.dead_letter(job.effect.subject)
    crew = context.crews.get(job.effect.crew)
    if dead_letter is None or crew is None:
        return await settle(job, Delivered("nothing to report"), context)
    outcome = await context.messenger.say(
        job.effect,
        dead_letter,
        to=Thread(crew.channel),
        occasion=occasion(job),
        posted_since=job.began_at,
    )
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
    outcome = await context.messenger.update(job.effect.kind, dead_letter, dead_letter.report)
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.MESSAGE_GONE:
        outcome = Delivered("deleted")
    return await settle(job, outcome, context)

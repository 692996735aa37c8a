"""Reporting webhooks that could not be understood: those that come together, in one message."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Delivered, Outcome
from crewgate.usecases.delivery import messages
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Posted, Thread

#: What comes this long after the first one is reported by the same message, until it is dismissed.
TOGETHER: Final = timedelta(hours=1)


async def report(job: Job, context: DeliveryContext) -> Outcome:
    """Report a webhook that could not be understood in its crew's channel.

    A crew that was changed may send many: an open report of the last hour counts this one, too.
    """
    dead_letter = await context.uow.read.dead_letter(job.effect.subject)
    crew = context.crews[job.effect.crew]
    if dead_letter is None:
        return await settle(job, Delivered("nothing to report"), context)
    refresh = replace(job.effect, kind=EffectKind.REFRESH_REPORT)
    since = dead_letter.received_at - TOGETHER
    told = await context.uow.read.open_report(crew.name, since=since)
    if told is not None:
        return await settle(job, Delivered(), context, then=[replace(refresh, subject=told)])
    [first] = await context.uow.read.report(dead_letter)
    outcome = await messages.post(job, first, context, to=Thread(crew.channel))
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        if await tx.place_report(dead_letter.id, outcome.ref) or job.in_doubt:
            # It was dismissed before anybody knew where the report was, or more came since a try
            # that may have posted it.
            await tx.enqueue([refresh], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def refresh_report(job: Job, context: DeliveryContext) -> Outcome:
    """Bring a report up to date; one that somebody deleted stays deleted."""
    dead_letter = await context.uow.read.dead_letter(job.effect.subject)
    if dead_letter is None or dead_letter.report is None:
        return await settle(job, Delivered("never posted"), context)
    [first] = await context.uow.read.report(dead_letter)
    return await messages.refresh(job, first, dead_letter.report, context)

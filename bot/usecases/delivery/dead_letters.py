"""Reporting webhooks that could not be understood."""

from __future__ import annotations

from bot.domain.outcome import Delivered, Outcome
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.delivery.settle import earlier_try, settle
from bot.usecases.ports.outbox import Job


async def report(job: Job, context: DeliveryContext) -> Outcome:
    """Report a webhook that could not be understood in its crew's channel."""
    dead_letter = await context.uow.read.dead_letter(job.effect.subject)
    crew = context.crews.get(job.effect.crew)
    if dead_letter is None or crew is None:
        return await settle(job, Delivered("nothing to report"), context)
    outcome = await context.messenger.report(
        dead_letter, channel=crew.channel, posted_since=earlier_try(job)
    )
    return await settle(job, outcome, context)

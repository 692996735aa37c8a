"""Recording what came of an effect in Slack."""

from __future__ import annotations

from datetime import datetime

from bot.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.ports.outbox import Job


async def settle(job: Job, outcome: Outcome, context: DeliveryContext) -> Outcome:
    """Settle an effect in Slack. A card has no deadline: it is tried until it can be posted."""
    now = context.clock()
    async with context.uow.begin() as tx:
        match outcome:
            case Delivered():
                await tx.complete(job)
            case NotSent(alone=True, retry_after=wait):
                at = now + wait if wait else context.next_try(job, in_doubt=False)
                await tx.retry(job, at=at, in_doubt=False)
            case NotSent():
                # All of Slack seems to be away: the worker waits, this job need not.
                await tx.retry(job, at=now, in_doubt=False)
            case Refused(kind=RefusalKind.CONTENT | RefusalKind.THREAD_GONE):
                await tx.complete(job)  # it would never be taken, and hold up what comes after it
            case Refused():
                await tx.retry(job, at=context.next_try(job, in_doubt=False), in_doubt=False)
            case Unknown():  # pragma: no branch  # there is no fifth
                await tx.retry(job, at=context.next_try(job, in_doubt=True), in_doubt=True)
    return outcome


def earlier_try(job: Job) -> datetime | None:
    """Since when an earlier try may have worked; None if none may have."""
    return job.created_at if job.in_doubt else None

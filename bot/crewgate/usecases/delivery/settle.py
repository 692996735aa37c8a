"""Recording the outcome of an effect in Slack, and ending what can never be delivered."""

from collections.abc import Iterable
from typing import assert_never

import structlog

from crewgate.domain.effects import IN_ORDER, POSTS_A_CARD, Effect
from crewgate.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Posted

log = structlog.get_logger(__name__)


async def settle(
    job: Job,
    outcome: Outcome,
    context: DeliveryContext,
    *,
    failed: Effect | None = None,
    then: Iterable[Effect] = (),
) -> Outcome:
    """Settle an effect in Slack: it is done, tried again, or has come to an end.

    An outage of Slack ends nothing. What fails by itself is given up after a day, or at once when
    Slack will never take it; only a card has no deadline. A post that comes to its end is set
    aside. Anything else is dropped, and `failed` says in the thread what people lose by it. `then`
    follows what is done.
    """
    now = context.clock()
    if _has_come_to_an_end(job, outcome, context):
        await _end(job, outcome, context, failed)
        return outcome
    async with context.uow.begin() as tx:
        match outcome:
            case Delivered():
                await tx.enqueue(then, at=now)
                await tx.complete(job)
            case NotSent(alone=True, retry_after=wait):
                at = now + wait if wait else context.next_try(job, in_doubt=False)
                await tx.retry(job, at=at, in_doubt=False)
            case NotSent():
                # All of Slack seems to be away: the worker waits, this job need not.
                await tx.retry(job, at=now, in_doubt=False)
            case Refused() | Unknown():
                in_doubt = isinstance(outcome, Unknown)
                at = context.next_try(job, in_doubt=in_doubt)
                await tx.retry(job, at=at, in_doubt=in_doubt, failed_at=now)
            case _:
                assert_never(outcome)
    return Delivered() if isinstance(outcome, Posted) else outcome


async def set_aside(job: Job, why: str, context: DeliveryContext) -> None:
    """Stop trying a job, and log it: somebody has to look at it. `why` is a code, not words."""
    async with context.uow.begin() as tx:
        await tx.set_aside(job, why, at=context.clock())
    effect = job.effect
    about = {"kind": effect.kind, "subject": effect.names, "crew": effect.crew}
    log.warning("set_aside", **about, tries=job.tries, why=why)


def is_refused(outcome: Outcome, kind: RefusalKind) -> bool:
    return isinstance(outcome, Refused) and outcome.kind is kind


def _has_come_to_an_end(job: Job, outcome: Outcome, context: DeliveryContext) -> bool:
    match outcome:
        case Refused(kind=RefusalKind.CONTENT | RefusalKind.THREAD_GONE):
            return True
        case Refused() | Unknown() if job.effect.kind in POSTS_A_CARD:
            return False
        case Refused(kind=RefusalKind.PERMANENT):
            return True
        case Refused() | Unknown():
            return context.gives_up(job)
        case _:
            return False


async def _end(job: Job, outcome: Outcome, context: DeliveryContext, failed: Effect | None) -> None:
    thread_gone = is_refused(outcome, RefusalKind.THREAD_GONE)
    if job.effect.kind in IN_ORDER and not thread_gone:
        why = outcome.code if isinstance(outcome, Refused) else "answer_lost"
        await set_aside(job, why, context)
        return
    async with context.uow.begin() as tx:
        if failed is not None and not thread_gone:
            await tx.enqueue([failed], at=context.clock())
        await tx.complete(job)

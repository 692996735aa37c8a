"""Reports of webhooks that could not be understood, several in one message; and digests."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.stats import next_digest
from crewgate.usecases.delivery import messages
from crewgate.usecases.delivery.context import DeliveryContext, settle
from crewgate.usecases.ports.base import Crews, Job
from crewgate.usecases.ports.slack import Posted, Thread
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.stats import of_crew

log = structlog.get_logger(__name__)

#: The time for which a report counts further dead letters, unless it is dismissed before.
TOGETHER: Final = timedelta(hours=1)


async def report(job: Job, context: DeliveryContext) -> Outcome:
    """Post in the crew's channel that a webhook could not be understood.

    A changed crew may send many such webhooks: a report of the last hour counts them.
    """
    dead_letter = await context.uow.read.dead_letters.find(job.effect.target)
    crew = context.crews[job.effect.crew]
    if dead_letter is None:
        return await settle(job, Delivered("nothing to report"), context)
    refresh = replace(job.effect, kind=EffectKind.REFRESH_REPORT)
    since = dead_letter.received_at - TOGETHER
    earlier = await context.uow.read.dead_letters.open_report(crew.name, since=since)
    if earlier is not None:
        return await settle(job, Delivered(), context, then=[replace(refresh, target=earlier)])
    [first] = await context.uow.read.dead_letters.report(dead_letter)
    outcome = await messages.post(job, first, context, to=Thread(crew.channel))
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        if await tx.dead_letters.place_report(dead_letter.id, outcome.ref) or job.in_doubt:
            # The report is out of date: it was dismissed before its place was stored, or more
            # letters came since a try that may have posted it.
            await tx.enqueue([refresh], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def refresh_report(job: Job, context: DeliveryContext) -> Outcome:
    dead_letter = await context.uow.read.dead_letters.find(job.effect.target)
    if dead_letter is None or dead_letter.report is None:
        return await settle(job, Delivered("never posted"), context)
    [first] = await context.uow.read.dead_letters.report(dead_letter)
    return await messages.refresh(job, first, dead_letter.report, context)


_DAYS = 7


async def plan_digests(crews: Crews, tx: Tx, *, at: datetime) -> None:
    for name in (name for name in crews if crews[name].digest):
        effect = Effect(kind=EffectKind.WEEKLY_DIGEST, target=name, crew=name)
        await tx.enqueue_once(effect, at=at, due_at=next_digest(at))


async def post_digest(job: Job, context: DeliveryContext) -> Outcome:
    """Post a digest; plan the next digest even if this one fails."""
    crew = context.crews[job.effect.target]
    if crew.digest is None:
        return await settle(job, Delivered("no digest is wanted any longer"), context)
    found = await of_crew(crew.name, days=_DAYS, context=context)
    outcome = await messages.post(job, found, context, to=Thread(crew.digest), may_be_plain=True)
    is_lost = isinstance(outcome, Unknown)
    if isinstance(outcome, NotSent) or (is_lost and not context.gives_up(job)):
        return await settle(job, outcome, context)
    if isinstance(outcome, Refused | Unknown):
        code = "answer_lost" if is_lost else outcome.code
        log.warning("digest_refused", crew=crew.name, channel=crew.digest, code=code)
    now = context.clock()
    async with context.uow.begin() as tx:
        if await tx.complete(job):
            await tx.enqueue([job.effect], at=now, due_at=next_digest(now))
    return Delivered()


async def post_head(job: Job, context: DeliveryContext) -> Outcome:
    head = await context.uow.read.audit_head(int(job.effect.target))
    outcome = await messages.post(job, head, context, to=Thread(job.effect.channel))
    if isinstance(outcome, Refused):
        log.warning("audit_head_refused", channel=job.effect.channel, code=outcome.code)
    return await settle(job, outcome, context)

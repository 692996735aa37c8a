"""Posting a crew's numbers once a week. Between two of them the effect waits in the outbox."""

from datetime import datetime

import structlog

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.stats import next_digest
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.messages import post
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.base import Crews
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Thread
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.stats import of_crew

log = structlog.get_logger(__name__)
_DAYS = 7


async def plan_digests(crews: Crews, tx: Tx, *, at: datetime) -> None:
    """Have the next digest posted of each crew that wants one, unless it waits already."""
    for name in (name for name in crews if crews[name].digest):
        effect = Effect(EffectKind.WEEKLY_DIGEST, name, name, "")
        await tx.enqueue_once(effect, at=at, due_at=next_digest(at))


async def post_digest(job: Job, context: DeliveryContext) -> Outcome:
    """Post it, and plan the next one, also where this one is refused or its answers are lost."""
    crew = context.crews[job.effect.subject]
    if crew.digest is None:
        return await settle(job, Delivered("no digest is wanted any longer"), context)
    found = await of_crew(crew.name, days=_DAYS, context=context)
    outcome = await post(job, found, context, to=Thread(crew.digest), may_be_plain=True)
    is_lost = isinstance(outcome, Unknown)
    if isinstance(outcome, NotSent) or (is_lost and not context.gives_up(job)):
        return await settle(job, outcome, context)
    if isinstance(outcome, Refused | Unknown):
        code = "answer_lost" if is_lost else outcome.code
        log.warning("digest_refused", crew=crew.name, channel=crew.digest, code=code)
    now = context.clock()
    async with context.uow.begin() as tx:
        await tx.enqueue([job.effect], at=now, due_at=next_digest(now))
        await tx.complete(job)
    return Delivered()

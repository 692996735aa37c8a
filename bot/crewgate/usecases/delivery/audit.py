"""Posting the head of the audit trail, so that it is outside of the database."""

import structlog

from crewgate.domain.outcome import Outcome, Refused
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.messages import post
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Thread

log = structlog.get_logger(__name__)


async def post_head(job: Job, context: DeliveryContext) -> Outcome:
    """Post a published head into the channel for it."""
    head = await context.uow.read.audit_head(int(job.effect.subject))
    outcome = await post(job, head, context, to=Thread(job.effect.channel))
    if isinstance(outcome, Refused):
        log.warning("audit_head_refused", channel=job.effect.channel, code=outcome.code)
    return await settle(job, outcome, context)

"""Forwarding a crew's webhooks to the URL its caller gave: durably, in order, unchanged."""

from datetime import timedelta
from typing import Final

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.execution import Execution, said_starter
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.read_models import ForwardedWebhook

#: The most time by which a kickoff's answer, with its caller's URLs, may follow the first webhook.
KICKOFF_ANSWER_TIMEOUT = timedelta(minutes=15)
_UNREADABLE: Final = NotSent("its address cannot be read with any key in SECRET_KEYS")


async def forward(job: Job, context: DeliveryContext) -> Outcome:
    """Forward one webhook to its caller; the next of the execution waits for it."""
    webhook = await context.uow.read.executions.forwarded_webhook(job.effect.subject)
    if webhook is None:
        return await _drop(job, context)
    # Read before the URLs: a kickoff's answer is stored in one piece with those that it brings.
    execution = await context.uow.read.executions.find(webhook.crew, webhook.execution_id)
    given = await context.uow.read.executions.given_webhooks(webhook.crew, webhook.execution_id)
    urls = context.crews[webhook.crew].forwards_to(given)
    url = {"task": urls.task, "step": urls.step, "crew": urls.crew}[webhook.kind]
    if not given.is_readable:
        outcome: Outcome = _UNREADABLE
    elif url is None:
        # The URLs of a notification are no evidence: it may come before that answer.
        of = webhook.crew, webhook.execution_id
        answered = await context.uow.read.executions.has_registered(*of)
        return await _wait_for_url(job, execution, context, answered=answered)
    else:
        outcome = await context.forwarder.forward(webhook, url)
    if isinstance(outcome, Delivered):
        return await _drop(job, context)
    if isinstance(outcome, Refused) or context.gives_up(job):
        await _give_up(job, webhook, context)
        return outcome
    async with context.uow.begin() as tx:
        at = context.next_try(job, in_doubt=False)
        await tx.retry(job, at=at, in_doubt=False, failed_at=context.clock())
    # One caller's address says nothing about the others': the worker need not wait.
    return Unknown(outcome.why) if isinstance(outcome, NotSent) else outcome


async def _wait_for_url(
    job: Job, execution: Execution | None, context: DeliveryContext, *, answered: bool
) -> Outcome:
    """Wait for the answer to the kickoff, which may bring the URL, or drop the webhook.

    `answered`: it is stored and brought other URLs. The execution may pause or end before that.
    """
    if execution is None:
        return await _drop(job, context)  # it is reported as a dead letter
    # Inputs are no evidence: a notification may carry them.
    answered = answered or said_starter(execution.starter, execution.meta) is not None
    if answered or context.clock() - execution.began_at >= KICKOFF_ANSWER_TIMEOUT:
        return await _drop(job, context)
    async with context.uow.begin() as tx:
        await tx.retry(job, at=context.next_try(job, in_doubt=False), in_doubt=False)
    return Delivered("not yet")


async def _drop(job: Job, context: DeliveryContext) -> Outcome:
    async with context.uow.begin() as tx:
        await tx.executions.remove_forwarded_webhook(job.effect.subject)
        await tx.complete(job)
    return Delivered()


async def _give_up(job: Job, webhook: ForwardedWebhook, context: DeliveryContext) -> None:
    failed = Effect(EffectKind.FORWARD_FAILED, webhook.kind, webhook.crew, webhook.execution_id)
    async with context.uow.begin() as tx:
        await tx.executions.remove_forwarded_webhook(webhook.id)
        await tx.enqueue([failed], at=context.clock())
        await tx.complete(job)

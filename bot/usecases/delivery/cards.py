"""Carrying out what must be seen in Slack. Each function settles its job."""

from __future__ import annotations

from bot.domain.effects import Effect, EffectKind
from bot.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from bot.domain.review import Round, State
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.delivery.settle import earlier_try, settle
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.slack import Posted, Posting


async def post(job: Job, context: DeliveryContext) -> Outcome:
    """Post a round's card; an output that it cannot show in full follows as a file."""
    posting = await context.uow.read.posting(job.effect.subject)
    if posting.card is not None:
        return await settle(job, Delivered(), context)
    return await _post_anew(job, posting, context)


async def _post_anew(job: Job, posting: Posting, context: DeliveryContext) -> Outcome:
    round_ = posting.view.round
    crew = context.crews.get(round_.review.crew)
    channel = posting.channel or (crew.channel if crew else None)
    if channel is None:
        return await settle(job, Refused("unknown_crew", "no such crew"), context)
    posted_since = earlier_try(job)
    outcome = await context.messenger.post_card(posting, channel=channel, posted_since=posted_since)
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.CONTENT:
        outcome = await context.messenger.post_card(
            posting, channel=channel, posted_since=posted_since, plain=True
        )
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.THREAD_GONE:
        async with context.uow.begin() as tx:
            await tx.executions.forget_thread(round_.review.crew, round_.review.execution_id)
            await tx.retry(job, at=context.clock(), in_doubt=False)
        return outcome
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        await tx.place_card(round_, outcome.ref)
        if outcome.excerpted and job.effect.kind is EffectKind.POST:
            await tx.enqueue([_attachment(round_)], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def attach(job: Job, context: DeliveryContext) -> Outcome:
    """Put the whole output as a file into the thread."""
    posting = await context.uow.read.posting(job.effect.subject)
    outcome = await context.messenger.attach_output(posting, posted_since=earlier_try(job))
    return await settle(job, outcome, context)


async def notify_stuck(job: Job, context: DeliveryContext) -> Outcome:
    """Tell the reviewer that the decision did not reach the crew."""
    posting = await context.uow.read.posting(job.effect.subject)
    outcome = await context.messenger.notify_stuck(posting, posted_since=earlier_try(job))
    return await settle(job, outcome, context)


async def refresh(job: Job, context: DeliveryContext) -> Outcome:
    """Bring a card up to date; one that somebody deleted comes back if it must be acted on."""
    posting = await context.uow.read.posting(job.effect.subject)
    if posting.card is None:
        return await settle(job, Delivered("never posted"), context)
    outcome = await context.messenger.update_card(posting)
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.CONTENT:
        outcome = await context.messenger.update_card(posting, plain=True)
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.MESSAGE_GONE:
        if posting.view.round.state in (State.WAITING, State.STUCK):
            return await _post_anew(job, posting, context)  # somebody must still act on it
        outcome = Delivered("deleted")
    return await settle(job, outcome, context)


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


def _attachment(round_: Round) -> Effect:
    review = round_.review
    return Effect(EffectKind.ATTACH, round_.id, review.crew, review.execution_id)

"""Carrying out what must be seen in Slack. Each function settles its job."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.effects import EffectKind
from bot.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from bot.domain.review import Round, State
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.delivery.settle import earlier_try, set_aside, settle
from bot.usecases.ports.outbox import UNKNOWN_CREW, Job
from bot.usecases.ports.slack import Posted, Posting


async def post(job: Job, context: DeliveryContext) -> Outcome:
    """Post a round's card; an output that it cannot show in full follows as a file."""
    posting = await context.uow.read.posting(job.effect.subject)
    if posting.card is not None:
        return await settle(job, Delivered(), context)
    return await _post(job, posting, context)


async def repost(job: Job, context: DeliveryContext) -> Outcome:
    """Post a card again that was deleted, if it must still be acted on. Its file is there."""
    posting = await context.uow.read.posting(job.effect.subject)
    if posting.card is not None or not _must_be_acted_on(posting):
        return await settle(job, Delivered(), context)
    return await _post(job, posting, context)


async def _post(job: Job, posting: Posting, context: DeliveryContext) -> Outcome:
    round_ = posting.view.round
    crew = context.crews.get(round_.review.crew)
    channel = posting.channel or (crew.channel if crew else None)
    if channel is None:
        await set_aside(job, UNKNOWN_CREW, context)
        return Refused(UNKNOWN_CREW, "no such crew")
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
            file = replace(job.effect, kind=EffectKind.ATTACH)
            await tx.enqueue([file], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def attach(job: Job, context: DeliveryContext) -> Outcome:
    """Put the whole output as a file into the thread."""
    posting = await context.uow.read.posting(job.effect.subject)
    if posting.card is None:
        return await settle(job, Delivered("deleted"), context)
    outcome = await context.messenger.attach_output(posting, posted_since=earlier_try(job))
    return await settle(job, outcome, context, failed=EffectKind.ATTACH_FAILED)


async def post_attach_failed(job: Job, context: DeliveryContext) -> Outcome:
    """Say that the whole output could not be attached."""
    posting = await context.uow.read.posting(job.effect.subject)
    outcome = await context.messenger.post_attach_failed(posting, posted_since=earlier_try(job))
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
        if _must_be_acted_on(posting):
            return await _bring_back(job, posting.view.round, context)
        outcome = Delivered("deleted")
    waiting = posting.view.round.state is State.WAITING
    failed = None if waiting else EffectKind.REFRESH_FAILED  # nothing was decided yet
    return await settle(job, outcome, context, failed=failed)


async def _bring_back(job: Job, round_: Round, context: DeliveryContext) -> Outcome:
    # A post of its own, in order: two at once could start two threads.
    async with context.uow.begin() as tx:
        await tx.forget_card(round_)
        await tx.enqueue([replace(job.effect, kind=EffectKind.REPOST)], at=context.clock())
        await tx.complete(job)
    return Delivered("deleted")


async def post_refresh_failed(job: Job, context: DeliveryContext) -> Outcome:
    """Say where a round stands whose card cannot be brought up to date, once a state."""
    posting = await context.uow.read.posting(job.effect.subject)
    # A hitch on the way to the crew asks for it again: the thread itself remembers what was said.
    since = posting.view.round.opened_at
    outcome = await context.messenger.post_refresh_failed(posting, posted_since=since)
    return await settle(job, outcome, context)


async def expire_claim(job: Job, context: DeliveryContext) -> Outcome:
    """Have the card brought up to date, in order with every other update of it."""
    async with context.uow.begin() as tx:
        refreshed = replace(job.effect, kind=EffectKind.REFRESH)
        await tx.enqueue([refreshed], at=context.clock())
        await tx.complete(job)
    return Delivered()


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


def _must_be_acted_on(posting: Posting) -> bool:
    return posting.view.round.state in (State.WAITING, State.STUCK)

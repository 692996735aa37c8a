"""Carrying out what must be seen in Slack. Each function settles its job."""

from __future__ import annotations

from bot.domain.effects import Effect, EffectKind
from bot.domain.outcome import Delivered, Outcome, Refused
from bot.domain.review import Round, State
from bot.usecases.delivery.context import Outside
from bot.usecases.delivery.settle import (
    CONTENT_REFUSED,
    MESSAGE_GONE,
    THREAD_GONE,
    posted_since,
    settle,
)
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.slack import Posted, Posting


async def post(job: Job, outside: Outside) -> Outcome:
    """Post a round's card; an output that it cannot show in full follows as a file."""
    posting = await outside.uow.read.posting(job.effect.subject)
    if posting.card is not None:
        return await settle(job, Delivered(), outside)
    return await _post_anew(job, posting, outside)


async def _post_anew(job: Job, posting: Posting, outside: Outside) -> Outcome:
    round_ = posting.view.round
    crew = outside.crews.get(round_.review.crew)
    channel = posting.channel or (crew.channel if crew else None)
    if channel is None:
        return await settle(job, Refused("unknown_crew", "no such crew"), outside)
    look_since = posted_since(job)
    outcome = await outside.messenger.post_card(posting, channel=channel, look_since=look_since)
    if isinstance(outcome, Refused) and outcome.code in CONTENT_REFUSED:
        outcome = await outside.messenger.post_card(
            posting, channel=channel, look_since=look_since, plain=True
        )
    if isinstance(outcome, Refused) and outcome.code == THREAD_GONE:
        async with outside.uow.begin() as tx:
            await tx.forget_thread(round_.review)
            await tx.again(job, at=outside.clock(), unsure=False)
        return outcome
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, outside)
    async with outside.uow.begin() as tx:
        await tx.place_card(round_, outcome.ref)
        if outcome.excerpted and job.effect.kind is EffectKind.POST:
            await tx.enqueue([_attachment(round_)], at=outside.clock())
        await tx.done(job)
    return Delivered()


async def attach(job: Job, outside: Outside) -> Outcome:
    """Put the whole output as a file into the thread."""
    posting = await outside.uow.read.posting(job.effect.subject)
    outcome = await outside.messenger.attach_output(posting, look_since=posted_since(job))
    return await settle(job, outcome, outside)


async def tell(job: Job, outside: Outside) -> Outcome:
    """Tell the reviewer that the decision did not reach the crew."""
    posting = await outside.uow.read.posting(job.effect.subject)
    outcome = await outside.messenger.tell_stuck(posting, look_since=posted_since(job))
    return await settle(job, outcome, outside)


async def refresh(job: Job, outside: Outside) -> Outcome:
    """Bring a card up to date; one that somebody deleted comes back if it must be acted on."""
    posting = await outside.uow.read.posting(job.effect.subject)
    if posting.card is None:
        return await settle(job, Delivered("never posted"), outside)
    outcome = await outside.messenger.update_card(posting)
    if isinstance(outcome, Refused) and outcome.code in CONTENT_REFUSED:
        outcome = await outside.messenger.update_card(posting, plain=True)
    if isinstance(outcome, Refused) and outcome.code == MESSAGE_GONE:
        if posting.view.round.state in (State.WAITING, State.STUCK):
            return await _post_anew(job, posting, outside)  # somebody must still act on it
        outcome = Delivered("deleted")
    return await settle(job, outcome, outside)


async def report(job: Job, outside: Outside) -> Outcome:
    """Report a webhook that could not be understood in its crew's channel."""
    letter = await outside.uow.read.letter(job.effect.subject)
    crew = outside.crews.get(job.effect.crew)
    if letter is None or crew is None:
        return await settle(job, Delivered("nothing to report"), outside)
    outcome = await outside.messenger.report(
        letter, channel=crew.channel, look_since=posted_since(job)
    )
    return await settle(job, outcome, outside)


def _attachment(round_: Round) -> Effect:
    review = round_.review
    return Effect(EffectKind.ATTACH, round_.id, review.crew, review.execution_id)

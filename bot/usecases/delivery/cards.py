"""Carrying out what must be seen in Slack. Each function settles its job."""

from __future__ import annotations

from datetime import datetime

from bot.domain.effects import Effect, EffectKind
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.domain.review import Round, State
from bot.usecases.delivery.context import Outside
from bot.usecases.ports.store import Job, Posted, Posting

#: Slack's error codes for a message that is itself at fault. Such a card is shown without its
#: output, which is attached as a file.
CONTENT_REFUSED = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "invalid_attachments",
        "no_text",
        "metadata_too_large",
    }
)
MESSAGE_GONE = "message_not_found"
THREAD_GONE = "thread_not_found"


async def post(job: Job, outside: Outside) -> Outcome:
    """Post a round's card; an output that it cannot show in full follows as a file."""
    posting = await outside.uow.read.posting(job.effect.subject)
    if posting.card is not None:
        return await _settle(job, Delivered(), outside)
    return await _post_anew(job, posting, outside)


async def _post_anew(job: Job, posting: Posting, outside: Outside) -> Outcome:
    round_ = posting.view.round
    crew = outside.crews.get(round_.review.crew)
    channel = posting.channel or (crew.channel if crew else None)
    if channel is None:
        return await _settle(job, Refused("unknown_crew", "no such crew"), outside)
    look_since = _look_since(job)
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
        return await _settle(job, outcome, outside)
    async with outside.uow.begin() as tx:
        await tx.place_card(round_, outcome.ref)
        if outcome.excerpted and job.effect.kind is EffectKind.POST:
            await tx.enqueue([_attachment(round_)], at=outside.clock())
        await tx.done(job)
    return Delivered()


async def attach(job: Job, outside: Outside) -> Outcome:
    """Put the whole output as a file into the thread."""
    posting = await outside.uow.read.posting(job.effect.subject)
    outcome = await outside.messenger.attach_output(posting, look_since=_look_since(job))
    return await _settle(job, outcome, outside)


async def tell(job: Job, outside: Outside) -> Outcome:
    """Tell the reviewer that the decision did not reach the crew."""
    posting = await outside.uow.read.posting(job.effect.subject)
    outcome = await outside.messenger.tell_stuck(posting, look_since=_look_since(job))
    return await _settle(job, outcome, outside)


async def refresh(job: Job, outside: Outside) -> Outcome:
    """Bring a card up to date; one that somebody deleted comes back if it must be acted on."""
    posting = await outside.uow.read.posting(job.effect.subject)
    if posting.card is None:
        return await _settle(job, Delivered("never posted"), outside)
    outcome = await outside.messenger.update_card(posting)
    if isinstance(outcome, Refused) and outcome.code in CONTENT_REFUSED:
        outcome = await outside.messenger.update_card(posting, plain=True)
    if isinstance(outcome, Refused) and outcome.code == MESSAGE_GONE:
        if posting.view.round.state in (State.WAITING, State.STUCK):
            return await _post_anew(job, posting, outside)  # somebody must still act on it
        outcome = Delivered("deleted")
    return await _settle(job, outcome, outside)


async def report(job: Job, outside: Outside) -> Outcome:
    """Report a webhook that could not be understood in its crew's channel."""
    letter = await outside.uow.read.letter(job.effect.subject)
    crew = outside.crews.get(job.effect.crew)
    if letter is None or crew is None:
        return await _settle(job, Delivered("nothing to report"), outside)
    outcome = await outside.messenger.report(
        letter, channel=crew.channel, look_since=_look_since(job)
    )
    return await _settle(job, outcome, outside)


async def _settle(job: Job, outcome: Outcome, outside: Outside) -> Outcome:
    """Settle an effect in Slack. A card has no deadline: it is tried until it can be posted."""
    now = outside.clock()
    async with outside.uow.begin() as tx:
        match outcome:
            case Delivered():
                await tx.done(job)
            case NotSent(alone=True, retry_after=wait):
                at = now + wait if wait else outside.next_try(job, unsure=False)
                await tx.again(job, at=at, unsure=False)
            case NotSent():
                # All of Slack seems to be away: the worker waits, this job need not.
                await tx.again(job, at=now, unsure=False)
            case Refused(code, _) if code in CONTENT_REFUSED or code == THREAD_GONE:
                await tx.done(job)  # it would never be taken, and hold up what comes after it
            case Refused():
                await tx.again(job, at=outside.next_try(job, unsure=False), unsure=False)
            case Unknown():  # pragma: no branch  # there is no fifth
                await tx.again(job, at=outside.next_try(job, unsure=True), unsure=True)
    return outcome


def _look_since(job: Job) -> datetime | None:
    return job.created_at if job.unsure else None


def _attachment(round_: Round) -> Effect:
    review = round_.review
    return Effect(EffectKind.ATTACH, round_.id, review.crew, review.execution_id)

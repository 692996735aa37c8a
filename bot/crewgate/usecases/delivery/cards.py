"""Cards and what they could not show. Each function settles its job."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind
from crewgate.domain.people import Notify
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import Naming
from crewgate.domain.timed import times_out_at
from crewgate.usecases.access import crew_for
from crewgate.usecases.delivery import direct_messages
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.messages import must_be_acted_on, notify_of, or_plain, say_about
from crewgate.usecases.delivery.naming import name_reviewer
from crewgate.usecases.delivery.posting import post_in_thread
from crewgate.usecases.delivery.settle import is_refused, settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Posted
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import Posting
from crewgate.usecases.timed import schedule


async def post(job: Job, context: DeliveryContext) -> Outcome:
    """Post a round's card; an output that it cannot show in full follows as a file.

    None of a round that was over before anybody decided, unless an earlier try may have posted it:
    it would hold up cards that are waited for.
    """
    posting = await _posting(job, context)
    needless = _is_over_undecided(posting.view.round) and not job.in_doubt
    if posting.card is not None or needless:
        return await settle(job, Delivered(), context)
    rule = posting.view.round.rule
    if rule is not None and rule.naming is Naming.PENDING:
        unknown = await name_reviewer(posting.view.round, context)
        if unknown is not None:
            return await settle(job, unknown, context)
        posting = await _posting(job, context)
    notify = notify_of(posting.view.round, context)
    return await _post(job, posting, context, notify=notify)


async def repost(job: Job, context: DeliveryContext) -> Outcome:
    """Post a card again that was deleted, if it must still be acted on. Its file is there."""
    posting = await _posting(job, context)
    if posting.card is not None or not must_be_acted_on(posting):
        return await settle(job, Delivered(), context)
    return await _post(job, posting, context)


async def _posting(job: Job, context: DeliveryContext) -> Posting:
    """Return what a card shows: of the rounds before those whose cards are in the same channel.

    Who is in a channel may read the rounds there, whatever else their rules say.
    """
    posting = await context.uow.read.posting(job.effect.subject)
    view = posting.view
    here = [one.id for one in view.earlier if one.other_channel == view.round.other_channel]
    return replace(posting, view=view.with_earlier(here))


async def _post(
    job: Job, posting: Posting, context: DeliveryContext, *, notify: Notify | None = None
) -> Outcome:
    async def post_card(*, channel: str, posted_since: datetime | None) -> Outcome:
        post = partial(
            context.messenger.post_card,
            posting,
            notify=notify,
            channel=channel,
            posted_since=posted_since,
        )
        return await or_plain(post)

    round_ = posting.view.round
    began_at = context.clock()
    if job.effect.kind is EffectKind.POST:
        # Its time begins once it is posted.
        view = replace(posting.view, due_at=times_out_at(round_, began_at))
        posting = replace(posting, view=view)
    first = await _first_card(job, round_, context)
    messages = [one for card in first for one in await direct_messages.refreshes(card, context)]

    async def record(tx: Tx, posted: Posted) -> None:
        view = posting.view
        masked = sum(many for _, many in view.masked)
        text = view.output.text
        await tx.place_card(
            round_,
            posted.ref,
            shown=posted.shown,
            masked=masked,
            text=text,
            no_approver=posted.no_approver,
        )
        if round_.is_timed and job.effect.kind is EffectKind.POST:
            await schedule(tx, await tx.round(round_.id), at=began_at)
        effects = [*first, *messages, *_progress(job, posting)]
        if notify is Notify.DM:
            effects.append(replace(job.effect, kind=EffectKind.TELL_REVIEWERS))
        await tx.enqueue(effects, at=context.clock())

    async def forget(tx: Tx) -> None:
        await tx.forget_thread(round_, posting.channel, posting.thread_ts)

    return await post_in_thread(
        job,
        post_card,
        channel=posting.channel or crew_for(round_, context.crews).channel,
        record=record,
        forget=forget,
        file=EffectKind.ATTACH if job.effect.kind is EffectKind.POST else None,
        context=context,
    )


async def refresh(job: Job, context: DeliveryContext) -> Outcome:
    """Bring a card up to date; one that somebody deleted comes back if it must be acted on."""
    posting = await _posting(job, context)
    await _have_others_follow(job, posting, context)
    if posting.card is None:
        return await settle(job, Delivered("never posted"), context)
    update = partial(context.messenger.update, EffectKind.REFRESH, posting, posting.card)
    outcome = await update()
    if is_refused(outcome, RefusalKind.CONTENT):
        outcome = await update(plain=True)
        if isinstance(outcome, Delivered):
            async with context.uow.begin() as tx:
                await tx.record_shown(posting.view.round, 0)
    if isinstance(outcome, Posted) and outcome.no_approver != posting.no_approver:
        async with context.uow.begin() as tx:
            await tx.record_approver(posting.view.round, no_approver=outcome.no_approver)
    if is_refused(outcome, RefusalKind.MESSAGE_GONE):
        if must_be_acted_on(posting):
            return await _bring_back(job, posting.view.round, context)
        outcome = Delivered("deleted")
    round_ = posting.view.round
    # While it waits nothing was decided yet; and nobody waits for news of what is long over.
    untold = round_.state is State.WAITING or round_.removed_at is not None
    failed = None if untold else round_.effect(EffectKind.REFRESH_FAILED)
    return await settle(job, outcome, context, failed=failed)


async def _have_others_follow(job: Job, posting: Posting, context: DeliveryContext) -> None:
    """Have messages that tell the state of this card's round, too, brought up to date.

    Of a review's first round with a newer one, the post of that one's card had its direct messages
    follow; whatever comes then has the first card and the progress follow.
    """
    round_, removed = posting.view.round, posting.view.round.removed_at is not None
    is_latest = posting.view.newer is None
    if round_.number == 1 and not (is_latest or removed):
        return
    effects = await direct_messages.refreshes(job.effect, context)
    if is_latest and not removed:  # removed: each of these messages has an effect of its own
        first = await _first_card(job, round_, context)
        effects += [*first, *_progress(job, posting)]
    if effects:
        async with context.uow.begin() as tx:
            await tx.enqueue(effects, at=context.clock(), last=removed)


async def _first_card(job: Job, round_: Round, context: DeliveryContext) -> list[Effect]:
    """The update of the review's first card, which tells the state of its latest round."""
    if round_.number == 1:
        return []
    first = await context.uow.read.rounds.first_of_review(round_.review.id)
    return [replace(job.effect, kind=EffectKind.REFRESH, subject=first)]


def _progress(job: Job, posting: Posting) -> list[Effect]:
    """Return the update of the message that says for whom the execution waits."""
    kind = EffectKind.REFRESH_PROGRESS
    return [replace(job.effect, kind=kind)] if posting.shows_progress else []


async def _bring_back(job: Job, round_: Round, context: DeliveryContext) -> Outcome:
    # A post of its own, in order: two at once could start two threads.
    async with context.uow.begin() as tx:
        await tx.forget_card(round_)
        await tx.enqueue([round_.effect(EffectKind.REPOST)], at=context.clock())
        await tx.complete(job)
    return Delivered("deleted")


async def post_refresh_failed(job: Job, context: DeliveryContext) -> Outcome:
    """Say where a round stands whose card cannot be brought up to date, once a state.

    A round can be in the same state again: after Retry, or after it was reopened.
    """
    posting = await context.uow.read.posting(job.effect.subject)
    # Every failed try to resume asks for it again: the thread itself remembers what was said.
    round_ = posting.view.round
    ended = f" {round_.ended_at.isoformat()}" if round_.ended_at else ""
    return await say_about(
        posting,
        job,
        context,
        occasion=f"{round_.state.value} {round_.retries}{ended}",
        posted_since=round_.opened_at,
    )


async def expire_claim(job: Job, context: DeliveryContext) -> Outcome:
    """Have the card brought up to date, in order with every other update of it."""
    refreshed = replace(job.effect, kind=EffectKind.REFRESH)
    return await settle(job, Delivered(), context, then=[refreshed])


def _is_over_undecided(round_: Round) -> bool:
    ended = round_.state in (State.SUPERSEDED, State.CLOSED) and not round_.can_reopen
    return ended and round_.decision is None

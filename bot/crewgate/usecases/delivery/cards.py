"""Deliveries of cards, and of the direct messages that follow them."""

from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Outcome, RefusalKind
from crewgate.domain.people import Notify, Role, User
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import Naming
from crewgate.usecases.access import crew_for, delegates_of
from crewgate.usecases.delivery import mentions, messages
from crewgate.usecases.delivery.context import DeliveryContext, is_refused, settle
from crewgate.usecases.delivery.naming import name_reviewer
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.slack import Members, Posted
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import Posting
from crewgate.usecases.rounds import schedule, times_out_at

log = structlog.get_logger(__name__)


async def tell_reviewers(job: Job, context: DeliveryContext) -> Outcome:
    round_ = await context.uow.read.round(job.effect.target)
    if round_.state is not State.WAITING:
        return await settle(job, Delivered("nobody to tell"), context)
    members = await people_of(round_, context)
    direct = await context.uow.read.direct_messages(round_.id)
    left = sorted(members.users - direct.keys())[: max(0, messages.PEOPLE_LIMIT - len(direct))]
    async with context.uow.begin() as tx:
        effects = [_effect_for(job, EffectKind.DIRECT_MESSAGE, user) for user in left]
        await tx.enqueue(effects, at=context.clock())
    outcome = NotSent("Slack has not named every reviewer yet", alone=True)
    will_know = any(map(context.directory.may_name, members.unresolved))
    return await settle(job, outcome if will_know else Delivered(), context)


async def people_of(round_: Round, context: DeliveryContext, *, missing: bool = False) -> Members:
    """Return the people who may decide on a round, with the delegates of absent people.

    `missing` leaves out people who have approved, and groups that are complete.
    """
    now = context.clock()
    named = crew_for(round_, context.crews).permitted(Role.REVIEWER)
    members = context.directory.members(round_.not_voted(named) if missing else named)
    if not round_.rule.delegation:
        return members
    delegates = delegates_of(members.users, await context.uow.read.absences.find(at=now), now)
    colleagues = {user: await context.directory.look_up_colleague(user) for user in delegates}
    full_members = frozenset(user for user, is_colleague in colleagues.items() if is_colleague)
    not_known = (User(user) for user, known in colleagues.items() if known is None)
    unresolved = (*members.unresolved, *not_known)
    return replace(members, users=members.users | full_members, unresolved=unresolved)


async def post_direct_message(job: Job, context: DeliveryContext) -> Outcome:
    """Send one person, once, a message about a waiting round.

    A message whose answer was lost is looked for even after a decision, because it has buttons.
    """
    round_id, user = job.effect.target, _user(job)
    posting = await _direct_posting(round_id, user, context)
    direct = await context.uow.read.direct_messages(round_id)
    waits = posting.view.round.state is State.WAITING
    if user in direct or not (waits or job.in_doubt):
        return await settle(job, Delivered("nothing to tell"), context)
    outcome = await messages.post(job, posting, context, to=User(user), may_be_plain=True)
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        round_ = await tx.round(round_id)
        await tx.place_direct_message(round_, user, outcome.ref)
        if round_.state is not State.WAITING or round_.version != posting.view.round.version:
            # The round changed before this message's place was stored, so the message is updated
            # now.
            refreshed = _effect_for(job, EffectKind.REFRESH_DIRECT_MESSAGE, user)
            await tx.enqueue([refreshed], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def refreshes(card: Effect, context: DeliveryContext) -> list[Effect]:
    kind = EffectKind.REFRESH_DIRECT_MESSAGE
    users = await context.uow.read.direct_messages(card.target)
    return [replace(card, kind=kind, user=user) for user in users]


async def refresh_direct_message(job: Job, context: DeliveryContext) -> Outcome:
    round_id, user = job.effect.target, _user(job)
    message = (await context.uow.read.direct_messages(round_id)).get(user)
    if message is None:
        return await settle(job, Delivered("never posted"), context)
    posting = await _direct_posting(round_id, user, context)
    return await messages.refresh(job, posting, message, context, may_be_plain=True)


def _user(job: Job) -> str:
    assert job.effect.user is not None, "user is always set for this kind of effect"
    return job.effect.user


async def _direct_posting(round_id: str, user: str, context: DeliveryContext) -> Posting:
    posting = await context.uow.read.posting(round_id)
    readable = await context.readable(user, posting.view.earlier)
    return replace(posting, view=posting.view.with_earlier(readable), reader=user)


def _effect_for(job: Job, kind: EffectKind, user: str) -> Effect:
    return replace(job.effect, kind=kind, user=user)


async def post(job: Job, context: DeliveryContext) -> Outcome:
    """Post a round's card; an output that it cannot show in full follows as a file.

    A round that ended undecided gets no card, unless an earlier try may have posted one: its card
    would hold up cards that people wait for.
    """
    posting = await _posting(job, context)
    round_ = posting.view.round
    ended = round_.state in (State.SUPERSEDED, State.CLOSED) and not round_.can_reopen
    needless = ended and round_.decision is None and not job.in_doubt
    if posting.card is not None or needless:
        return await settle(job, Delivered(), context)
    if round_.rule.naming is Naming.PENDING:
        unknown = await name_reviewer(posting.view.round, context)
        if unknown is not None:
            return await settle(job, unknown, context)
        posting = await _posting(job, context)
    may_mention = await mentions.may_mention(job, posting.view.round, context)
    if may_mention is None:
        return Delivered("not yet")
    if not may_mention:
        return await _post(job, posting.quiet(), context)
    notify = messages.notify_of(posting.view.round, context)
    return await _post(job, posting, context, notify=notify)


async def repost(job: Job, context: DeliveryContext) -> Outcome:
    """Post a deleted card anew; one that may be there is looked for even after a decision."""
    posting = await _posting(job, context)
    if posting.card is not None or not (messages.must_be_acted_on(posting) or job.in_doubt):
        return await settle(job, Delivered(), context)
    return await _post(job, posting, context)


async def _posting(job: Job, context: DeliveryContext) -> Posting:
    """Return the posting of a card, with earlier rounds whose cards are in its channel.

    Everybody in a channel may read the rounds there, whatever their rules say otherwise.
    """
    posting = await context.uow.read.posting(job.effect.target)
    view = posting.view
    here = [one.id for one in view.earlier if one.rule.channel == view.round.rule.channel]
    return replace(posting, view=view.with_earlier(here))


async def _post(
    job: Job, posting: Posting, context: DeliveryContext, *, notify: Notify | None = None
) -> Outcome:
    async def post_card(*, channel: str, posted_since: datetime | None) -> Outcome:
        post = partial(context.messenger.post_card, posting, notify=notify, channel=channel)
        return await messages.or_plain(partial(post, posted_since=posted_since))

    round_ = posting.view.round
    began_at = context.clock()
    begins = posting.announced_at is None
    if begins:
        # The card shows the end of a time-out that is counted from this post.
        view = replace(posting.view, due_at=times_out_at(round_, began_at))
        posting = replace(posting, view=view)
    first = await _first_card(job, round_, context)
    private = [one for card in first for one in await refreshes(card, context)]

    async def record(tx: Tx, posted: Posted) -> None:
        await tx.place_card(
            round_,
            posted.ref,
            at=context.clock(),
            shown=posted.shown,
            masked=sum(many for _, many in posting.view.masked),
            text=posting.view.output.text,
            no_approver=posted.no_approver,
        )
        if begins and round_.is_timed:
            await schedule(tx, await tx.round(round_.id), at=began_at)
        effects = [*first, *private, *_progress(job, posting)]
        if posted.found is not None:  # the card is as an earlier try drew it
            effects.append(round_.effect(EffectKind.REFRESH))
        calls = notify is not None and await mentions.note(tx, job, round_, posted, context)
        if calls and notify is Notify.DM:
            effects.append(replace(job.effect, kind=EffectKind.TELL_REVIEWERS))
        await tx.enqueue(effects, at=context.clock())

    async def forget(tx: Tx) -> None:
        await tx.forget_thread(round_, posting.channel, posting.thread_ts)

    return await messages.post_in_thread(
        job,
        post_card,
        channel=posting.channel or crew_for(round_, context.crews).channel,
        record=record,
        forget=forget,
        file=EffectKind.ATTACH if job.effect.kind is EffectKind.POST else None,
        context=context,
    )


async def refresh(job: Job, context: DeliveryContext) -> Outcome:
    posting = await _posting(job, context)
    await _have_others_follow(job, posting, context)
    if posting.card is None:
        return await settle(job, Delivered("never posted"), context)
    update = partial(context.messenger.update, EffectKind.REFRESH, posting, posting.card)
    outcome = await update()
    if is_refused(outcome, RefusalKind.CONTENT):
        outcome = await update(plain=True)
    if isinstance(outcome, Posted):
        drawn = outcome.shown, outcome.no_approver
        if drawn != (posting.shown, posting.no_approver):
            async with context.uow.begin() as tx:
                await tx.record_drawn(posting.view.round, shown=drawn[0], no_approver=drawn[1])
    if is_refused(outcome, RefusalKind.MESSAGE_GONE):
        if messages.must_be_acted_on(posting):
            await messages.bring_back(job, posting, context)
            return Delivered("deleted")
        outcome = Delivered("deleted")
    round_ = posting.view.round
    # Nobody is told of a failed update while the round waits (its old card is still true), or once
    # its texts were removed (the round is old).
    untold = round_.state is State.WAITING or round_.removed_at is not None
    failed = None if untold else round_.effect(EffectKind.REFRESH_FAILED)
    return await settle(job, outcome, context, failed=failed)


async def _have_others_follow(job: Job, posting: Posting, context: DeliveryContext) -> None:
    """Update the other messages about this round: direct messages, first card, progress.

    If a newer round has a card, only direct messages follow, and none of a review's first round.
    """
    round_, removed = posting.view.round, posting.view.round.removed_at is not None
    is_latest = posting.view.newer is None
    if round_.number == 1 and not (is_latest or removed):
        return
    effects = await refreshes(job.effect, context)
    if is_latest and not removed:  # after a removal each message has a job of its own
        first = await _first_card(job, round_, context)
        effects += [*first, *_progress(job, posting)]
    if effects:
        async with context.uow.begin() as tx:
            await tx.enqueue(effects, at=context.clock(), last=removed)


async def _first_card(job: Job, round_: Round, context: DeliveryContext) -> list[Effect]:
    if round_.number == 1:
        return []
    first = await context.uow.read.rounds.first_of_review(round_.review.id)
    return [replace(job.effect, kind=EffectKind.REFRESH, target=first)]


def _progress(job: Job, posting: Posting) -> list[Effect]:
    kind = EffectKind.REFRESH_PROGRESS
    return [replace(job.effect, kind=kind)] if posting.shows_progress else []


async def post_refresh_failed(job: Job, context: DeliveryContext) -> Outcome:
    posting = await context.uow.read.posting(job.effect.target)
    # Each failed update asks for this message; a search of the thread keeps it from coming twice.
    round_ = posting.view.round
    ended = f" {round_.ended_at.isoformat()}" if round_.ended_at else ""
    occasion, since = f"{round_.state.value} {round_.retries}{ended}", round_.opened_at
    return await messages.say_about(posting, job, context, occasion=occasion, posted_since=since)

"""One function for all messages that only inform.

The messages differ by the row of each `EffectKind` and by its render function.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from crewgate.domain.people import Notify, User
from crewgate.domain.review import Round, State
from crewgate.usecases.access import notify_for
from crewgate.usecases.delivery import mentions
from crewgate.usecases.delivery.context import DeliveryContext, is_refused, settle
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.slack import About, Posted, Thread
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import MessageRef, Posting

#: A timer that is due while no card shows the round is put off by this time: people need time to
#: decide.
WITHOUT_CARD: Final = timedelta(hours=1)


async def say(job: Job, context: DeliveryContext) -> Outcome:
    posting = await context.uow.read.posting(job.effect.target)
    return await say_about(posting, job, context)


async def say_about(
    posting: Posting,
    job: Job,
    context: DeliveryContext,
    *,
    occasion: str | None = None,
    posted_since: datetime | None = None,
) -> Outcome:
    row, round_ = job.effect.kind.row, posting.view.round
    if row.of_waiting and round_.state is not State.WAITING:
        return await settle(job, Delivered("nothing to tell any more"), context)
    may_mention = await mentions.may_mention(job, round_, context) if row.mentions else True
    if may_mention is None:
        return Delivered("not yet")
    posting = posting if may_mention else posting.quiet()
    to = place_of(posting, job)
    outcome = await post(job, posting, context, to=to, occasion=occasion, posted_since=posted_since)
    if row.mentions and may_mention and isinstance(outcome, Posted):
        async with context.uow.begin() as tx:
            may_mention = await mentions.note(tx, job, round_, outcome, context)
    is_news = row.tells_reviewers and may_mention and isinstance(outcome, Delivered)
    if is_news and notify_of(round_, context) is Notify.DM:
        # TELL_REVIEWERS sends a private message to the reviewers who have none yet.
        tell = round_.effect(EffectKind.TELL_REVIEWERS)
        return await settle(job, outcome, context, then=[tell])
    if row.revives_card:
        return await settle_in_thread(job, outcome, posting, context)
    return await settle(job, outcome, context)


def place_of(posting: Posting, job: Job) -> Thread | User:
    user = job.effect.user
    return Thread(posting.channel, posting.thread_ts) if user is None else User(user)


async def post(
    job: Job,
    about: About,
    context: DeliveryContext,
    *,
    to: Thread | User,
    occasion: str | None = None,
    posted_since: datetime | None = None,
    may_be_plain: bool = False,
) -> Outcome:
    """Post the message of a job's kind, without settling the job.

    `occasion` distinguishes this message from earlier messages of this kind about the same target.
    `may_be_plain`: if Slack refuses the agent's words, post the message without them.
    """
    occasion, since = occasion or job.created_at.isoformat(), posted_since or job.began_at
    say = partial(
        context.messenger.say, job.effect, about, to=to, occasion=occasion, posted_since=since
    )
    return await or_plain(say) if may_be_plain else await say()


async def or_plain(call: Callable[..., Awaitable[Outcome]]) -> Outcome:
    outcome = await call()
    return await call(plain=True) if is_refused(outcome, RefusalKind.CONTENT) else outcome


async def refresh(
    job: Job,
    about: About,
    message: MessageRef,
    context: DeliveryContext,
    *,
    may_be_plain: bool = False,
) -> Outcome:
    update = partial(context.messenger.update, job.effect.kind, about, message)
    outcome = await or_plain(update) if may_be_plain else await update()
    if is_refused(outcome, RefusalKind.MESSAGE_GONE):
        outcome = Delivered("deleted")
    return await settle(job, outcome, context)


async def settle_in_thread(
    job: Job, outcome: Outcome, posting: Posting, context: DeliveryContext
) -> Outcome:
    """Settle as `settle` does; a deleted thread gets its card again, then this message.

    Only a thread without replies can be deleted, so its card is gone.
    """
    thread_gone = is_refused(outcome, RefusalKind.THREAD_GONE)
    if not (thread_gone and must_be_acted_on(posting)):
        return await settle(job, outcome, context)
    await bring_back(job, posting, context, job.effect.kind)
    return outcome


async def bring_back(
    job: Job, posting: Posting, context: DeliveryContext, *after: EffectKind
) -> None:
    """Enqueue a deleted card, and effects after it: two posts at once could start two threads.

    A card that another job has brought back meanwhile is updated.
    """
    round_ = posting.view.round
    with suppress(_NotOurs):
        async with context.uow.begin() as tx:
            is_gone = await tx.forget_card(round_, posting.card)
            first = EffectKind.REPOST if is_gone else EffectKind.REFRESH
            number = job.effect.number
            again = [replace(round_.effect(kind), number=number) for kind in (first, *after)]
            await tx.enqueue(again, at=context.clock())
            await _complete(job, tx)


def must_be_acted_on(posting: Posting) -> bool:
    round_ = posting.view.round
    return round_.state in (State.WAITING, State.STUCK) or round_.contradiction is not None


def notify_of(round_: Round, context: DeliveryContext) -> Notify:
    return notify_for(round_, context.crews, context.directory)


#: The most people who get a private message about one matter.
PEOPLE_LIMIT: Final = 50
#: Refusals with a cause in the channel, such as its settings, that somebody can fix.
_OF_THE_CHANNEL = frozenset({RefusalKind.OTHER, RefusalKind.NOT_ALLOWED})


async def note_refusal(job: Job, refused: Refused, channel: str, context: DeliveryContext) -> None:
    """Tell the operators that the channel refuses posts, once per outage.

    After a restart they are told again, for only memory knows that they were told.
    """
    name = job.effect.crew
    if refused.kind not in _OF_THE_CHANNEL or (name, channel) in context.refusing:
        return
    context.refusing.add((name, channel))
    users = context.directory.members(context.crews[name].operators).users
    effect = Effect(kind=EffectKind.TELL_OPERATOR, target=refused.code, crew=name, channel=channel)
    effects = [replace(effect, user=user) for user in sorted(users)[:PEOPLE_LIMIT]]
    async with context.uow.begin() as tx:
        await tx.enqueue(effects, at=context.clock())


async def tell(job: Job, context: DeliveryContext) -> Outcome:
    effect = job.effect
    assert effect.user is not None, "user is always set for this kind of effect"
    crew = context.crews[effect.crew]
    if effect.channel is not None:  # the channel that refuses posts
        crew = replace(crew, channel=effect.channel)
    outcome = await post(job, crew, context, to=User(effect.user))
    return await settle(job, outcome, context)


Post = Callable[..., Awaitable[Outcome]]
"""Posts one message into `channel`, unless a try since `posted_since` did."""
Record = Callable[[Tx, Posted], Awaitable[None]]
"""Stores the place of the message, which starts the thread if none exists."""
Forget = Callable[[Tx], Awaitable[None]]


async def post_in_thread(
    job: Job,
    post: Post,
    *,
    channel: str,
    record: Record,
    forget: Forget,
    file: EffectKind | None,
    context: DeliveryContext,
) -> Outcome:
    """Post a message and settle its job.

    `forget` is called if the thread's first message is gone; `file` is enqueued for a cut text.
    """
    outcome = await post(channel=channel, posted_since=job.began_at)
    if is_refused(outcome, RefusalKind.THREAD_GONE):
        async with context.uow.begin() as tx:
            await forget(tx)
            await tx.retry(job, at=context.clock(), in_doubt=False)
        return outcome
    if isinstance(outcome, Refused):
        await note_refusal(job, outcome, channel, context)
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    context.refusing.discard((job.effect.crew, channel))
    with suppress(_NotOurs):
        async with context.uow.begin() as tx:
            await record(tx, outcome)
            if outcome.too_long and file is not None:
                await tx.enqueue([replace(job.effect, kind=file)], at=context.clock())
            await _complete(job, tx)
    return Delivered()


async def _complete(job: Job, tx: Tx) -> None:
    """Complete a job that this bot still has. Raises _NotOurs.

    A bot that stood still for longer than its lease may know an older message than the bot that has
    the job by now: that bot looks for this message, or has another.
    """
    if not await tx.complete(job):
        raise _NotOurs


class _NotOurs(Exception):  # no CrewgateError: nobody is told of it
    """Another bot has the job: this one's transaction is rolled back."""

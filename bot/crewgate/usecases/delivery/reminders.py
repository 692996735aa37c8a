"""Effects of time on a waiting round: reminders, escalation, the time-out.

A timer only changes the database, even during an outage; then a post tells people, in the thread's
order. Both check the round again.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

import structlog

from crewgate.domain.answering import verdict_of_time
from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Delivered, Outcome
from crewgate.domain.people import Notify
from crewgate.domain.reason import TimeOver
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import TimeoutAction
from crewgate.domain.verdict import voices_of
from crewgate.usecases.after_decision import after_the_commit
from crewgate.usecases.delivery import mentions, messages
from crewgate.usecases.delivery.cards import people_of
from crewgate.usecases.delivery.context import DeliveryContext, settle
from crewgate.usecases.log_fields import fields_of
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.slack import Posted
from crewgate.usecases.read_models import Posting
from crewgate.usecases.rounds import apply, next_reminder, opens_at, timed_effects

log = structlog.get_logger(__name__)


async def remind(job: Job, context: DeliveryContext) -> Outcome:
    if await _waits_for_its_card(job, context):
        return Delivered()
    async with context.uow.begin() as tx:
        round_ = await tx.round(job.effect.target)
        if await tx.complete(job) and round_.state is State.WAITING:
            await tx.enqueue([round_.effect(EffectKind.POST_REMINDER)], at=context.clock())
    return Delivered()


async def escalate(job: Job, context: DeliveryContext) -> Outcome:
    if await _waits_for_its_card(job, context):
        return Delivered()
    async with context.uow.begin() as tx:
        round_ = await tx.round(job.effect.target)
        # A job that was cancelled while it was leased does nothing: time counts anew.
        if await tx.complete(job) and round_.state is State.WAITING:
            transition = round_.escalate(context.clock())
            if transition.effects:
                tx.audit.rule_acts(_set_back(job, round_, context.clock()))
                await apply(tx, transition, at=context.clock())
                await tx.enqueue([round_.effect(EffectKind.POST_ESCALATED)], at=context.clock())
    return Delivered()


async def time_out(job: Job, context: DeliveryContext) -> Outcome:
    if await _waits_for_its_card(job, context):
        return Delivered()
    async with context.uow.begin() as tx:
        round_ = await tx.round(job.effect.target)
        waits = await tx.complete(job) and round_.state is State.WAITING
        if waits:
            transition = round_.time_out(context.clock())
            if transition.round != round_:
                tx.audit.rule_acts(_set_back(job, round_, context.clock()))
                await apply(tx, transition, at=context.clock())
            await tx.enqueue([round_.effect(EffectKind.POST_TIMED_OUT)], at=context.clock())
    if waits:
        log.info("timed_out", **fields_of(round_), then=_then(round_))
        after_the_commit(transition.round)
    return Delivered()


def _set_back(job: Job, round_: Round, now: datetime) -> dict[str, int]:
    """Return, for the audit entry, the seconds that the clock was set back since the schedule."""
    effects = timed_effects(round_, job.created_at)
    early = next(at for one, at in effects if one.kind is job.effect.kind) - now
    return {"set_back": ceil(early.total_seconds())} if early > timedelta() else {}


async def expire(job: Job, context: DeliveryContext) -> Outcome:
    """Close the round of a flow that waits no longer; a late answer is refused by the flow."""
    async with context.uow.begin() as tx:
        round_ = await tx.round(job.effect.target)
        waits = round_.state is State.WAITING
        ends_at = round_.subject.waits_until
        if waits and ends_at is not None and ends_at > context.clock():
            await tx.retry(job, at=ends_at, in_doubt=False)
            return Delivered("not yet")
        if waits:
            await apply(tx, round_.close(TimeOver(), context.clock()), at=context.clock())
        await tx.complete(job)
    if waits:
        log.info("expired", **fields_of(round_))
    return Delivered()


async def post_reminder(job: Job, context: DeliveryContext) -> Outcome:
    """Remind the people who have not decided, and schedule the next reminder from now.

    A bot away for days thus sends one reminder. A reminder waits for the rule's working hours.
    """
    posting = await context.uow.read.posting(job.effect.target)
    round_ = posting.view.round
    now = context.clock()
    opens = opens_at(round_, now)
    if round_.state is not State.WAITING or (opens > now and not job.in_doubt):
        async with context.uow.begin() as tx:
            current = await tx.round(round_.id)
            if await tx.complete(job) and current.state is State.WAITING:
                later = replace(job.effect, kind=EffectKind.REMIND)
                await tx.enqueue([later], at=now, due_at=opens)
        return Delivered()
    may_mention = await mentions.may_mention(job, round_, context)
    if may_mention is None:
        return Delivered("not yet")
    posting = posting if may_mention else posting.quiet()
    occasion = str(round_.reminders + 1)
    to = messages.place_of(posting, job)
    outcome = await messages.post(job, posting, context, to=to, occasion=occasion)
    if not isinstance(outcome, Posted):
        return await messages.settle_in_thread(job, outcome, posting, context)
    people = await _in_private(posting, context) if may_mention else ()
    async with context.uow.begin() as tx:
        current = await tx.round(round_.id)
        calls = may_mention and await mentions.note(tx, job, round_, outcome, context)
        private = people if calls else ()
        # A job that was cancelled meanwhile does not count: the round may have new reminders.
        if await tx.complete(job) and current.state is State.WAITING:
            reminded = current.remind()
            await tx.save(reminded)
            each = replace(job.effect, kind=EffectKind.REMIND_PRIVATELY, number=reminded.reminders)
            effects = [replace(each, user=user) for user in private]
            await tx.enqueue(effects, at=context.clock())
            if (due := next_reminder(reminded, context.clock())) is not None:
                await tx.enqueue([due[0]], at=context.clock(), due_at=due[1])
    return Delivered()


async def post_timed_out(job: Job, context: DeliveryContext) -> Outcome:
    """Post what the rule did after its time, unless it did nothing and somebody decided since."""
    posting = await context.uow.read.posting(job.effect.target)
    round_ = posting.view.round
    if _then(round_) is TimeoutAction.LEAVE and round_.state is not State.WAITING:
        return await settle(job, Delivered("nothing to tell"), context)
    return await messages.say_about(posting, job, context)


async def _waits_for_its_card(job: Job, context: DeliveryContext) -> bool:
    """Put a timer off while its round has no card; return False if it is due.

    Operators are told if the channel refuses the card; nobody else could help.
    """
    posting = await context.uow.read.posting(job.effect.target)
    waits = posting.view.round.state is State.WAITING
    if not waits or posting.card is not None:
        return False
    async with context.uow.begin() as tx:
        await tx.retry(job, at=context.clock() + messages.WITHOUT_CARD, in_doubt=False)
    return True


async def _in_private(posting: Posting, context: DeliveryContext) -> Iterable[str]:
    round_ = posting.view.round
    if messages.notify_of(round_, context) is not Notify.DM:
        return ()
    people = await people_of(round_, context, missing=True)
    return sorted(people.users - voices_of(round_.votes))[: messages.PEOPLE_LIMIT]


def _then(round_: Round) -> TimeoutAction:
    timeout, sent_back = round_.rule.timeout, round_.sent_back
    if timeout is None or not verdict_of_time(timeout, round_.subject, sent_back=sent_back):
        return TimeoutAction.LEAVE
    return timeout.then

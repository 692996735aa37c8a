"""Deliveries about lessons: the offer to keep one, its card, its end, a word to its author."""

from dataclasses import replace

from crewgate.domain.effects import EffectKind
from crewgate.domain.lessons import LessonsGiven, may_teach, wisher_of
from crewgate.domain.notification import Question
from crewgate.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from crewgate.domain.people import Role, User
from crewgate.domain.review import Round, State
from crewgate.usecases.delivery import messages
from crewgate.usecases.delivery.context import DeliveryContext, is_refused, set_aside, settle
from crewgate.usecases.delivery.resume import LOST_ADDRESS
from crewgate.usecases.lessons import end_by_time, view_of
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.slack import Posted, Thread


async def offer(job: Job, context: DeliveryContext) -> Outcome:
    """Offer the writer of a revision to keep it as a lesson, if the crew takes lessons.

    The card's menu has the offer from then on. A lost offer loses no lesson, so only an outage of
    Slack is a reason to try again.
    """
    posting = await context.uow.read.posting(job.effect.target)
    asked = posting.view.answers
    writer = None if asked is None else wisher_of(asked)
    if writer is not None and may_teach(posting.view.round):
        takes = await context.teaching.is_for(job.effect.crew)
        if takes and await context.may(writer.id, Role.REVIEWER, posting.view.round):
            await _offer_in_menu(posting.view.round, context)
            outcome = await context.messenger.offer_lesson(posting, writer)
            if isinstance(outcome, NotSent):
                return await settle(job, outcome, context)
    return await settle(job, Delivered(), context)


async def _offer_in_menu(round_: Round, context: DeliveryContext) -> None:
    """Store that the kickoff carried no lessons, if that is unknown: the card's menu needs it."""
    review, now = round_.review, context.clock()
    async with context.uow.begin() as tx:
        execution = await tx.executions.open(review.crew, review.execution_id, at=now)
        if execution.lessons is None:
            await tx.executions.save(replace(execution, lessons=LessonsGiven()))
            await tx.enqueue([round_.effect(EffectKind.REFRESH)], at=now)


async def post(job: Job, context: DeliveryContext) -> Outcome:
    view = await view_of(job.effect.target, context=context)
    posting = await context.uow.read.posting(view.lesson.round_id)
    channel = posting.channel or context.crews[job.effect.crew].channel
    outcome = await messages.post(job, view, context, to=Thread(channel, posting.thread_ts))
    if is_refused(outcome, RefusalKind.THREAD_GONE):
        # Another bot may have posted it meanwhile, so this one looks for it.
        since, to = job.created_at, Thread(channel)
        outcome = await messages.post(job, view, context, to=to, posted_since=since)
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        await tx.lessons.place_card(view.lesson.id, outcome.ref)
        # Somebody may have acted on the lesson elsewhere since it was read, so the card is updated.
        refresh = replace(job.effect, kind=EffectKind.REFRESH_LESSON)
        await tx.enqueue([refresh], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def refresh(job: Job, context: DeliveryContext) -> Outcome:
    view = await view_of(job.effect.target, context=context)
    if view.card is None:
        return await settle(job, Delivered("not posted yet"), context)
    return await messages.refresh(job, view, view.card, context)


async def end(job: Job, context: DeliveryContext) -> Outcome:
    await end_by_time(job.effect.target, context=context)
    return await settle(job, Delivered(), context)


async def retire_at_host(job: Job, context: DeliveryContext) -> Outcome:
    """End a flow's lesson at its host, which takes a repeated end as the first.

    An answer that is on its way goes first: after the end the host takes no other answer.
    """
    read = context.uow.read
    lesson, _ = await read.lessons.find(job.effect.target)
    round_, callback = await read.round(lesson.round_id), await read.callback(lesson.round_id)
    if round_.state is State.DECIDED:
        return await settle(job, NotSent("its answer goes first", alone=True), context)
    assert isinstance(round_.subject, Question), "only a question is about a lesson of a flow"
    source = round_.subject.drawn_from
    outcome: Outcome = LOST_ADDRESS
    if callback is not None and callback.is_readable and source is not None:
        outcome = await context.flows.answer(job.effect.crew, callback, source.retire)
    match outcome:
        case NotSent():
            return await settle(job, replace(outcome, alone=True), context)
        case Unknown(why=why):
            return await settle(job, NotSent(why, alone=True), context)
        case Refused(code=why, kind=kind) if kind is not RefusalKind.REQUEST_GONE:
            if not context.gives_up(job):
                return await settle(job, outcome, context)
            await set_aside(job, why, context)
            return outcome
    async with context.uow.begin() as tx:
        await tx.complete(job)
        if not round_.may_be_sent:
            await tx.lessons.forget_callback(round_.id)
    return Delivered()


async def tell_author(job: Job, context: DeliveryContext) -> Outcome:
    assert job.effect.user is not None, "user is always set for this kind of effect"
    view = await view_of(job.effect.target, context=context)
    outcome = await messages.post(job, view, context, to=User(job.effect.user))
    return await settle(job, outcome, context)

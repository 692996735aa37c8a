"""Sending a decision to a crew, or an answer to a flow, so that it takes effect once.

The documented `/resume` has no idempotency key. Before every try the round is marked in doubt;
before a try in doubt is repeated, evidence is looked for. A flow takes one answer to a request and
refuses a second one, and `crewgate host` takes a key: so both are simply sent the decision again.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from crewgate.domain.acts import arguments_of
from crewgate.domain.audit import BOT, Code, Entry, outcome_entry
from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import effect_on
from crewgate.domain.lessons import id_of_drawn
from crewgate.domain.notification import Callback
from crewgate.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from crewgate.domain.recorded import OUTCOMES
from crewgate.domain.review import Round, State, Transition
from crewgate.domain.subjects import question_of
from crewgate.metrics import resumes
from crewgate.usecases import track
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.polling import Asked, Recorded, ask, record_answer
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.crew import CrewClient, Edited, ResumeRequest
from crewgate.usecases.ports.store import Queries, Tx
from crewgate.usecases.rounds import ask_anew

#: The time after which people are told that nobody fetched a decision.
FETCH_WITHIN: Final = timedelta(hours=1)


LOST_ADDRESS, _LOST_WEBHOOKS = (
    Refused("unreadable", f"its {what} cannot be read with any key in SECRET_KEYS")
    for what in ("address", "webhooks")
)


async def resume(job: Job, context: DeliveryContext) -> Outcome:
    known = await context.uow.read.round(job.effect.target)
    if known.reason is None and context.gives_up(job):
        # Each try has raised an error for a day, so there is no outcome: a person must know.
        await _record(job, Unknown("it could not be sent"), in_doubt=True, context=context)
        return Delivered()
    client = context.clients.get(job.effect.crew)
    if (client is None or known.is_fetched) and not known.is_of_flow:
        return await _await_fetch(job, context)
    # The crew's status is asked before the try begins: the answer takes up to 2 s, and webhooks
    # that come until then count as evidence, too.
    asked = await _ask(known, client, context)
    # The callback is read before the round: if the round, read later, is still DECIDED, its
    # callback was there. In the other order, it could be wiped between the two reads.
    callback = await context.uow.read.callback(known.id) if known.is_of_flow else None
    async with context.uow.begin() as tx:
        # Opening locks the execution: a webhook is stored before the try, or counts as later.
        if asked is None:
            effect = job.effect
            execution = await tx.executions.open(
                effect.crew, effect.execution_id, at=context.clock()
            )
            recorded = Recorded(execution)
        else:
            recorded = await record_answer(tx, asked)
        round_ = await tx.round(job.effect.target)
        in_doubt = round_.in_doubt
        sending = await _begin(round_, tx, job, context, recorded)
    if not isinstance(sending, Round):
        return sending
    context.note_try(sending)
    outcome = await _send(sending, callback, client, context)
    resumes.labels(job.effect.crew, OUTCOMES[type(outcome)]).inc()
    await _record(job, outcome, in_doubt=in_doubt, context=context)
    return outcome


async def _await_fetch(job: Job, context: DeliveryContext) -> Outcome:
    """Leave a decision to its asker; if nobody fetched it in time, say so in the thread.

    Time counts only while this bot listens. People are asked anew about a call whose approval
    expires earlier, such as an approval that a person sends again.
    """
    now = context.clock()
    due_at = max(job.created_at, context.listening.since or job.created_at) + FETCH_WITHIN
    async with context.uow.begin() as tx:
        round_ = await tx.round(job.effect.target)
        if round_.state is State.DECIDED and round_.has_expired(now) and now < due_at:
            await _ask_anew(tx, round_.expire(now), context, may_have_run=round_.in_doubt)
            await tx.complete(job)
            return Delivered()
        if round_.state is State.DECIDED:
            await _save(round_.await_fetch(overdue=now >= due_at), tx, context)
        if round_.state is State.DECIDED and now < due_at:
            await tx.retry(job, at=due_at, in_doubt=False)
        else:
            await tx.complete(job)
    return Delivered()


async def _ask(round_: Round, client: CrewClient | None, context: DeliveryContext) -> Asked | None:
    if client is None or round_.state is not State.DECIDED or not round_.needs_evidence:
        return None
    review = round_.review
    execution = await context.uow.read.executions.find(review.crew, review.execution_id)
    assert execution is not None, "each round has an execution"
    return await ask(execution, client, context)


async def _begin(
    round_: Round, tx: Tx, job: Job, context: DeliveryContext, recorded: Recorded
) -> Round | Outcome:
    """Mark that a try begins; return an outcome instead if nothing is to be sent now.

    A bot that stood still for longer than its lease sends nothing: the other bot has sent, or will.
    """
    if not await tx.has(job):
        return Delivered("another bot has it")
    if round_.state is not State.DECIDED:
        await tx.complete(job)
        return Delivered()
    execution = recorded.execution
    if round_.needs_evidence:
        if await track.was_taken(tx, round_, execution, left=recorded.left):
            await _save(round_.took_effect(context.clock()), tx, context)
            await tx.complete(job)
            return Delivered()
        if (wait_until := context.wait_for_evidence(round_)) is not None:
            await tx.retry(job, at=wait_until, in_doubt=True)
            return NotSent("waits for evidence after the start", alone=True)
    if round_.has_expired(context.clock()):
        expired = round_.expire(context.clock())
        await _ask_anew(tx, expired, context, may_have_run=round_.in_doubt)
        await tx.complete(job)
        return Delivered()
    alone = not round_.in_doubt and await track.is_alone(tx, round_, execution)
    sending = round_.begin_sending(
        context.clock(), activity_count=execution.activity_count, alone=alone
    )
    await tx.save(sending)
    tx.audit.of_round(Entry(Code.SENDING, BOT, {"in_doubt": round_.in_doubt}), sending)
    return sending


async def _send(
    round_: Round, callback: Callback | None, client: CrewClient | None, context: DeliveryContext
) -> Outcome:
    assert round_.decision is not None, "a DECIDED round has a decision"
    if round_.is_of_flow:
        # An address stays while the round may be sent, unless `crewgate rotate --forget` wiped it.
        if callback is None or not callback.is_readable:
            return LOST_ADDRESS
        question = question_of(round_.subject)
        is_lesson = question is not None and question.drawn_from is not None
        drawn = [id_of_drawn(round_.id)] if is_lesson else []
        drawn_lessons = await context.uow.read.lessons.of_ids(drawn) if drawn else ()
        outcome = await context.flows.answer(
            round_.review.crew,
            callback,
            round_.decision.human_feedback,
            valid_until=drawn_lessons[0].expires_at if drawn_lessons else None,
        )
        # `alone`: that this flow's address failed says nothing about the crew or other flows.
        return replace(outcome, alone=True) if isinstance(outcome, NotSent) else outcome
    assert client is not None, "a crew without a client fetches its decisions"
    # URLs are looked up now, not when the button was pressed: newer ones may be registered.
    registered, carried = await context.uow.read.webhooks(round_)
    if not (registered.is_readable and carried.is_readable):
        return _LOST_WEBHOOKS
    urls = context.crews[round_.review.crew].webhooks_for_resume(registered, carried)
    review = round_.review
    request = ResumeRequest(
        execution_id=review.execution_id,
        task_id=review.task_id,
        decision=round_.decision,
        webhooks=urls,
        edited=await edited_of(round_, context.uow.read),
        key=round_.id if round_.takes_key else None,
        valid_until=round_.valid_until,
    )
    return await client.resume(request)


async def edited_of(round_: Round, read: Queries) -> Edited | None:
    """Return the text or arguments of a person's that are sent; with a refused call none are."""
    if round_.edited_by is None or round_.removed_at is not None:
        return None
    is_refused = round_.decision is not None and not round_.decision.is_approve
    if round_.subject.has_arguments and is_refused:
        return None
    text = (await read.posting(round_.id, as_it_came=True)).view.output.text
    if not round_.subject.has_arguments:
        return text
    arguments = arguments_of(text)
    assert arguments is not None, "an edited call has arguments"
    return arguments


async def _record(job: Job, outcome: Outcome, *, in_doubt: bool, context: DeliveryContext) -> None:
    now = context.clock()
    effect = job.effect
    async with context.uow.begin() as tx:
        # The execution is opened, and so locked, first: a webhook either was recorded before, and
        # is evidence here, or comes after, finds the round stuck in doubt, and settles it.
        execution = await tx.executions.open(effect.crew, effect.execution_id, at=now)
        current = await tx.round(effect.target)
        was_taken = False
        if isinstance(outcome, Refused) and in_doubt and current.needs_evidence:
            refused = track.is_not_waiting(outcome)
            was_taken = outcome.kind is RefusalKind.ANSWERED or await track.was_taken(
                tx, current, execution, refused=refused
            )
        transition = current.settle(
            outcome,
            in_doubt=in_doubt,
            was_taken=was_taken,
            retries_exhausted=context.gives_up(job),
            at=now,
        )
        tx.audit.of_round(outcome_entry(outcome, current.salt), transition.round)
        if _must_be_asked_anew(transition.round, outcome):
            await _ask_anew(tx, transition, context, may_have_run=in_doubt)
        else:
            await _save(transition, tx, context)
        is_watched = transition.round.state is State.STUCK and transition.round.needs_evidence
        if is_watched:
            await tx.executions.save(replace(execution, stuck_in_doubt=True))
        if is_watched or transition.round.state is State.RESUMED:
            poll = effect_on(execution, EffectKind.POLL_STATUS)
            await tx.expedite(poll, at=now + track.STATUS_POLL.first)
        if transition.round.state is not State.DECIDED:
            await tx.complete(job)
        elif isinstance(outcome, Unknown):
            # The first try in doubt is repeated soon, however many tries sent nothing: see GRACE.
            at = context.next_try(job, in_doubt=True) if in_doubt else now + context.grace
            await tx.retry(job, at=at, in_doubt=True, failed_at=now)
        elif isinstance(outcome, NotSent) and outcome.alone:
            at = context.next_try(job, in_doubt=False, at_least=outcome.retry_after)
            await tx.retry(job, at=at, in_doubt=False, failed_at=now)
        else:
            # The crew seems to be away: the worker pauses, and this job needs no pause of its own.
            await tx.retry(job, at=now, in_doubt=False, failed_at=now)


def _must_be_asked_anew(round_: Round, outcome: Outcome) -> bool:
    """Return True if the tool refused a person's arguments, or the host an approval as late."""
    match round_.state, outcome:
        case State.STUCK, Refused(kind=RefusalKind.ARGUMENTS) if round_.subject.is_act:
            return round_.edited_by is not None
        case State.STUCK, Refused(kind=kind) if round_.subject.is_act:
            return kind is RefusalKind.EXPIRED
        case _:
            return False


async def _ask_anew(
    tx: Tx, ended: Transition, context: DeliveryContext, *, may_have_run: bool
) -> None:
    await ask_anew(
        tx,
        ended,
        may_have_run=may_have_run,
        crew=context.crews.get(ended.round.review.crew),
        at=context.clock(),
        new_id=context.new_id,
    )


async def _save(transition: Transition, tx: Tx, context: DeliveryContext) -> None:
    await tx.save(transition.round)
    await tx.enqueue(transition.effects, at=context.clock())

"""Telling a crew a decision, or a flow an answer, so that it takes effect once.

The documented `/resume` has no idempotency key. Before every try the round is marked in doubt;
before a try is repeated whose outcome is unknown, evidence is looked for. A flow takes one answer
to a request and says so to a second one, and `crewgate host` takes a key: that is better evidence
than any, so an answer or a decision is simply sent again there.
"""

from dataclasses import replace

from crewgate.domain.audit import BOT, Code, Entry, outcome_entry
from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import about
from crewgate.domain.notification import Callback
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.review import Round, State, Transition
from crewgate.metrics import resumes
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.poll_status import Asked, Recorded, ask, record_answer
from crewgate.usecases.evidence import (
    STATUS_POLL,
    is_alone,
    is_not_waiting,
    was_taken,
    watch_for_evidence,
)
from crewgate.usecases.ports.crew import CrewClient
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.store import Tx

_LOST_ADDRESS, _LOST_WEBHOOKS = (
    Refused("unreadable", f"its {what} cannot be read with any key in SECRET_KEYS")
    for what in ("address", "webhooks")
)


async def resume(job: Job, context: DeliveryContext) -> Outcome:
    """Send a round's decision to its crew and record the outcome."""
    known = await context.uow.read.round(job.effect.subject)
    if known.reason is None and context.gives_up(job):
        # Trying has raised for a day, so that nothing came of it: a person must know.
        await _record(job, Unknown("it could not be sent"), in_doubt=True, context=context)
        return Delivered()
    client = context.clients[job.effect.crew]
    # Asked before the try begins: it takes up to 2 s, and what is heard meanwhile counts too.
    asked = await _ask(known, client, context)
    # Read first: while it was to be sent it was there, and it may be wiped at any time after that.
    callback = await context.uow.read.callback(known.id) if known.is_of_flow else None
    async with context.uow.begin() as tx:
        # Opened first: a webhook either comes before the try, or counts as later.
        if asked is None:
            effect = job.effect
            execution = await tx.executions.open(
                effect.crew, effect.execution_id, at=context.clock()
            )
            recorded = Recorded(execution)
        else:
            recorded = await record_answer(tx, asked)
        round_ = await tx.round(job.effect.subject)
        in_doubt = round_.in_doubt
        sending = await _begin(round_, tx, job, context, recorded)
    if not isinstance(sending, Round):
        return sending
    outcome = await _send(sending, callback, client, context)
    resumes.labels(job.effect.crew, type(outcome).__name__).inc()
    await _record(job, outcome, in_doubt=in_doubt, context=context)
    return outcome


async def _ask(round_: Round, client: CrewClient, context: DeliveryContext) -> Asked | None:
    """Ask the crew how far the execution is, if that matters."""
    if round_.state is not State.DECIDED or not round_.needs_evidence:
        return None
    review = round_.review
    execution = await context.uow.read.executions.find(review.crew, review.execution_id)
    assert execution is not None  # noqa: S101  # each round has one
    return await ask(execution, client, context)


async def _begin(
    round_: Round, tx: Tx, job: Job, context: DeliveryContext, recorded: Recorded
) -> Round | Outcome:
    """Note that a try begins; an outcome when there is nothing to send (yet, or any more)."""
    if round_.state is not State.DECIDED:
        await tx.complete(job)
        return Delivered()
    execution = recorded.execution
    if round_.needs_evidence:
        if await was_taken(tx, round_, execution, left=recorded.left):
            await _save(round_.took_effect(context.clock()), tx, context)
            await tx.complete(job)
            return Delivered()
        if (wait_until := context.wait_for_evidence(round_)) is not None:
            await tx.retry(job, at=wait_until, in_doubt=True)
            return NotSent("waits for evidence after the start", alone=True)
    alone = not round_.in_doubt and await is_alone(tx, round_, execution)
    sending = round_.begin_sending(
        context.clock(), activity_count=execution.activity_count, alone=alone
    )
    await tx.save(sending)
    tx.audit.of_round(Entry(Code.SENDING, BOT, {"in_doubt": round_.in_doubt}), sending)
    return sending


async def _send(
    round_: Round, callback: Callback | None, client: CrewClient, context: DeliveryContext
) -> Outcome:
    assert round_.decision is not None  # noqa: S101  # a DECIDED round has one
    if round_.is_of_flow:
        # Kept as long as the round may be sent, unless `crewgate rotate --forget` took it out.
        if callback is None or not callback.is_readable:
            return _LOST_ADDRESS
        feedback = round_.decision.human_feedback
        outcome = await context.flows.answer(round_.review.crew, callback, feedback)
        # Its address says nothing of where the crew, or another of its flows, is answered.
        return replace(outcome, alone=True) if isinstance(outcome, NotSent) else outcome
    # Looked up now, not when the button was pressed: somebody may have registered URLs since.
    registered, carried = await context.uow.read.webhooks(round_)
    if not (registered.is_readable and carried.is_readable):
        return _LOST_WEBHOOKS
    urls = context.crews[round_.review.crew].webhooks_for_resume(registered, carried)
    review, edited = round_.review, None
    if round_.edited_by is not None:
        edited = (await context.uow.read.posting(round_.id, as_it_came=True)).view.output.text
    return await client.resume(
        review.execution_id,
        review.task_id,
        round_.decision,
        urls,
        edited=edited,
        key=round_.id if round_.takes_key else None,
    )


async def _record(job: Job, outcome: Outcome, *, in_doubt: bool, context: DeliveryContext) -> None:
    now = context.clock()
    effect = job.effect
    async with context.uow.begin() as tx:
        # Opened first: activity either comes before, and counts, or finds the round stuck.
        execution = await tx.executions.open(effect.crew, effect.execution_id, at=now)
        current = await tx.round(effect.subject)
        refused = isinstance(outcome, Refused) and in_doubt and current.needs_evidence
        transition = current.settle(
            outcome,
            in_doubt=in_doubt,
            was_taken=refused
            and await was_taken(tx, current, execution, refused=is_not_waiting(outcome)),
            retries_exhausted=context.gives_up(job),
            at=now,
        )
        tx.audit.of_round(outcome_entry(outcome, current.salt), transition.round)
        await _save(transition, tx, context)
        if transition.round.state is State.STUCK and transition.round.needs_evidence:
            await watch_for_evidence(tx, execution, at=now)
        if transition.round.state is State.RESUMED:
            poll = about(execution, EffectKind.POLL_STATUS)
            await tx.expedite(poll, at=now + STATUS_POLL.first)
        if transition.round.state is not State.DECIDED:
            await tx.complete(job)
        elif isinstance(outcome, Unknown):
            # Soon, the first time, however often it was not sent before: see GRACE.
            at = context.next_try(job, in_doubt=True) if in_doubt else now + context.grace
            await tx.retry(job, at=at, in_doubt=True, failed_at=now)
        elif isinstance(outcome, NotSent) and outcome.alone:
            at = context.next_try(job, in_doubt=False, at_least=outcome.retry_after)
            await tx.retry(job, at=at, in_doubt=False, failed_at=now)
        else:
            # The crew as a whole seems to be away: the worker waits, this job need not.
            await tx.retry(job, at=now, in_doubt=False, failed_at=now)


async def _save(transition: Transition, tx: Tx, context: DeliveryContext) -> None:
    await tx.save(transition.round)
    await tx.enqueue(transition.effects, at=context.clock())

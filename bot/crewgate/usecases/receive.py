"""Storing notifications of paused crews, requests of flows, and dead letters."""

from dataclasses import dataclass, replace

import structlog

from crewgate.domain.answering import is_open_to_assigned, rule_for
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.notification import (
    FlowRequest,
    Notification,
    Question,
    WebhookUrls,
    keep_asked,
)
from crewgate.domain.receipt import receive, receive_request, with_doubt
from crewgate.domain.review import Review, Round, Transition
from crewgate.domain.rules.choose import asked_inputs, asked_meta
from crewgate.domain.rules.rule import NO_RULE
from crewgate.usecases.after_decision import after_the_commit
from crewgate.usecases.log_fields import fields_of
from crewgate.usecases.ports.base import Clock, Crews, NewId
from crewgate.usecases.ports.store import UnitOfWork
from crewgate.usecases.read_models import DeadLetter, ForwardedWebhook
from crewgate.usecases.rounds import apply, choose_rule, open_round
from crewgate.usecases.track import apply_activity, track

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """The round of a notification: a new one, or the original of a duplicate."""

    round: Round
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveContext:
    """The database, the settings, the clock and new ids; built once, by the app."""

    uow: UnitOfWork
    crews: Crews
    clock: Clock
    new_id: NewId


async def receive_notification(
    crew: str, notification: Notification, *, context: ReceiveContext
) -> Received:
    """Store a notification with its round, its output and its URLs.

    CrewAI AMP never repeats a notification, so it is on disk before the crew gets its response. The
    first of the crew's rules that applies is stored with the round.
    """
    now = context.clock()
    async with context.uow.begin() as tx:
        # The execution, locked. The report that a call has run is no activity: it tells nothing
        # about what else waits in the execution.
        is_end = notification.call_result is not None
        execution = await tx.executions.open(
            crew, notification.execution_id, at=now, activity=0 if is_end else 1
        )

        # Inputs and meta keep the values that rules ask about.
        named = context.crews.get(crew)
        rules = named.rules if named else ()
        inputs = notification.inputs and keep_asked(notification.inputs, asked_inputs(rules))
        meta = keep_asked(notification.meta, asked_meta(rules))

        # The review, locked, and its latest round.
        candidate = Review(
            id=context.new_id(),
            crew=crew,
            execution_id=notification.execution_id,
            task_id=notification.task_id,
            task_name=notification.task_name,
            agent=notification.agent,
            expected_output=notification.expected_output,
        )
        review, latest = await tx.open_review(candidate, notification.pause_id)

        # The first rule that applies, and for a question the choices that people are given.
        described = execution.with_origin(carried=meta, carried_inputs=inputs)
        notification = with_doubt(latest, notification)
        rule = NO_RULE
        if named:
            call = notification.call
            rule = choose_rule(named, described, review, notification.output, call=call)
        question = None
        if notification.ask is not None:
            ask = replace(notification.ask, choices=())
            question = Question(request_id="", ask=ask, outcomes=notification.ask.choices)
            rule = rule_for(question, rule, reviewers=True)

        # The notification compared with the latest round: a duplicate, a newer output, a new
        # question, or the outcome of a call.
        receipt = receive(
            latest,
            notification,
            review=review,
            at=now,
            new_id=context.new_id,
            rule=rule,
            question=question,
            activity=execution.activity_count,
        )

        # A duplicate leaves no trace in the execution: its activity would count as evidence that
        # the crew took a decision.
        await tx.enqueue(receipt.effects, at=now)
        if is_end and not receipt.opened:
            await apply(tx, Transition(receipt.current, ()), at=now)
        elif not receipt.opened:
            await tx.executions.undo_activity(execution)
        else:
            await open_round(tx, receipt, notification.output, notification.webhooks, named)
            execution = await apply_activity(tx, execution, at=now)
            await track(tx, execution, carried=meta, carried_inputs=inputs, at=now)
    if receipt.opened:
        after_the_commit(receipt.current)  # a rule may have decided a call at once
    if any(one.kind is EffectKind.CALL_ALARM for one in receipt.effects):
        round_ = receipt.current
        log.warning("call_not_approved", **fields_of(round_), why=round_.contradiction)
    return Received(receipt.current, receipt.opened)


async def store_dead_letter(
    crew: str,
    body: bytes,
    reason: str,
    *,
    context: ReceiveContext,
    webhook: ForwardedWebhook | None = None,
) -> DeadLetter:
    """Store a webhook that could not be parsed, report it, and still forward `webhook`."""
    dead_letter = DeadLetter(
        id=context.new_id(), crew=crew, received_at=context.clock(), reason=reason, body=body
    )
    async with context.uow.begin() as tx:
        await tx.dead_letters.store(dead_letter)
        report = Effect(kind=EffectKind.REPORT, target=dead_letter.id, crew=crew)
        await tx.enqueue([report], at=dead_letter.received_at)
        if webhook is not None:
            await tx.executions.add_forwarded_webhook(webhook)
            forward = replace(
                report,
                kind=EffectKind.FORWARD,
                target=webhook.id,
                execution_id=webhook.execution_id,
            )
            await tx.enqueue([forward], at=dead_letter.received_at)
    return dead_letter


async def receive_flow_request(
    crew: str, request: FlowRequest, *, context: ReceiveContext
) -> Received:
    """Store a flow's request with its round, its output and its callback.

    A flow never repeats a request, so it is on disk before the flow gets its response. The first of
    the crew's rules that applies is stored with the round.
    """
    now = context.clock()
    request = await context.uow.read.lessons.with_source(request, crew)
    async with context.uow.begin() as tx:
        # The execution, locked.
        execution = await tx.executions.open(crew, request.flow_id, at=now, activity=1)

        # The round of this request, if it is repeated; else the review of its method, locked.
        ask = request.question.ask
        candidate = Review(
            id=context.new_id(),
            crew=crew,
            execution_id=request.flow_id,
            task_id=request.method if ask is None else ask.place,
            task_name=None if ask is None else request.method,
            agent=request.flow_name,
        )
        known = await tx.round_of_request(crew, request.flow_id, request.question.request_id)
        review, latest = await tx.open_review(candidate) if known is None else (known.review, None)

        # A new round's rule is the first that applies. If the assignees of a known round decide,
        # operators join the assignees whom an escalation adds.
        named = context.crews.get(crew)
        meta = keep_asked(request.meta, asked_meta(named.rules if named else ()))
        described = execution.with_origin(carried=meta)
        rule, operators = NO_RULE, None
        if named is not None:
            usual = bool(named.reviewers)
            chosen = choose_rule(named, described, review, request.output)
            rule = rule_for(request.question, chosen, reviewers=usual)
            if known is not None and is_open_to_assigned(
                known.subject, known.rule, named.rules, reviewers=usual
            ):
                operators = named.operators

        # The request compared with the latest round: a new round, a duplicate, or an escalation.
        receipt = receive_request(
            known,
            latest,
            request,
            review=review,
            at=now,
            new_id=context.new_id,
            rule=rule,
            operators=operators,
        )
        await tx.enqueue(receipt.effects, at=now)
        if not receipt.opened:
            if receipt.current != known:
                await tx.save(receipt.current)
            await tx.executions.undo_activity(execution)
        else:
            await open_round(tx, receipt, request.output, WebhookUrls(), named)
            await tx.keep_callback(receipt.current, request.callback)
            execution = await apply_activity(tx, execution, at=now)
            if not execution.is_flow:
                # If the execution has ended, only one crew of the flow did: the flow goes on.
                ended = execution.is_over and not execution.tracked
                execution = replace(execution.reopen() if ended else execution, is_flow=True)
                await tx.executions.save(execution)
            await track(tx, execution, carried=meta, at=now)
    return Received(receipt.current, receipt.opened)

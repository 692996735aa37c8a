"""Recording the notification of a crew that pauses, and dead letters."""

from dataclasses import dataclass

from crewgate.domain.answering import rule_for
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.notification import Notification, Question, keep_asked
from crewgate.domain.receipt import receive
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import Review, Round
from crewgate.domain.rules.choose import asked_inputs, asked_meta
from crewgate.usecases.evidence import apply_activity
from crewgate.usecases.ports.base import Clock, Crews, NewId
from crewgate.usecases.ports.store import UnitOfWork
from crewgate.usecases.read_models import DeadLetter, ForwardedWebhook
from crewgate.usecases.rules import choose_rule
from crewgate.usecases.timed import open_round
from crewgate.usecases.track import track


@dataclass(frozen=True, slots=True)
class Received:
    """The round of a notification: a new one, or the one that it is a duplicate of."""

    round: Round
    accepted: bool


async def receive_notification(
    crew: str,
    notification: Notification,
    *,
    uow: UnitOfWork,
    crews: Crews,
    clock: Clock,
    new_id: NewId,
) -> Received:
    """Store a notification with its round, its output and the URLs it carried.

    The crew never repeats it, so it is on disk before the crew gets its response. The first of the
    crew's rules that applies is stored with the round. Secrets of the execution's webhooks are
    removed from its texts.
    """
    now = clock()
    async with uow.begin() as tx:
        execution = await tx.executions.record_activity(crew, notification.execution_id, at=now)
        redactor = Redactor(await tx.executions.secrets_of_opened(execution))
        notification = redactor.fields(notification, keep=Notification.VERBATIM)
        named = crews.get(crew)
        rules = named.rules if named else ()
        inputs = notification.inputs and keep_asked(notification.inputs, asked_inputs(rules))
        meta = keep_asked(notification.meta, asked_meta(rules))
        described = execution.with_origin(carried=meta, carried_inputs=inputs)
        candidate = Review(
            id=new_id(),
            crew=crew,
            execution_id=notification.execution_id,
            task_id=notification.task_id,
            task_name=notification.task_name,
            agent=notification.agent,
            expected_output=notification.expected_output,
        )
        review, latest = await tx.open_review(candidate, notification.pause_id)
        rule = choose_rule(named, described, review, notification.output) if named else None
        question = None
        if notification.ask is not None:
            question = Question(request_id="", ask=notification.ask)
            rule = rule_for(question, rule, reviewers=True)
        receipt = receive(
            latest,
            notification,
            review=review,
            at=now,
            new_id=new_id,
            rule=rule,
            question=question,
            activity=execution.activity_count,
        )
        await tx.enqueue(receipt.effects, at=now)
        if not receipt.opened:
            await tx.executions.undo_activity(execution)
        else:
            await open_round(tx, receipt, notification.output, notification.webhooks, named)
            execution = await apply_activity(tx, execution, at=now)
            await track(tx, execution, carried=meta, carried_inputs=inputs, at=now)
    return Received(receipt.current, receipt.opened)


async def store_dead_letter(
    crew: str,
    body: bytes,
    reason: str,
    *,
    uow: UnitOfWork,
    clock: Clock,
    new_id: NewId,
    webhook: ForwardedWebhook | None = None,
) -> DeadLetter:
    """Store a webhook that could not be parsed as it came, and report it in the channel.

    `webhook` is forwarded all the same.
    """
    dead_letter = DeadLetter(id=new_id(), crew=crew, received_at=clock(), reason=reason, body=body)
    async with uow.begin() as tx:
        await tx.store_dead_letter(dead_letter)
        report = Effect(EffectKind.REPORT, dead_letter.id, crew, execution_id="")
        await tx.enqueue([report], at=dead_letter.received_at)
        if webhook is not None:
            await tx.executions.add_forwarded_webhook(webhook)
            forward = Effect(EffectKind.FORWARD, webhook.id, crew, webhook.execution_id)
            await tx.enqueue([forward], at=dead_letter.received_at)
    return dead_letter

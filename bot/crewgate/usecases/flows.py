"""Recording the request of a flow that pauses."""

from dataclasses import replace

from crewgate.domain.answering import is_open_to_assigned, rule_for
from crewgate.domain.crew import Crew
from crewgate.domain.execution import Execution
from crewgate.domain.notification import FlowRequest, WebhookUrls, keep_asked, without_secrets
from crewgate.domain.people import ReviewerRef
from crewgate.domain.receipt import receive_request
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import Review, Round
from crewgate.domain.rules.choose import asked_meta
from crewgate.domain.rules.rule import Rule
from crewgate.usecases.evidence import apply_activity
from crewgate.usecases.ports.base import Clock, Crews, NewId
from crewgate.usecases.ports.store import Tx, UnitOfWork
from crewgate.usecases.receive import Received
from crewgate.usecases.rules import choose_rule
from crewgate.usecases.timed import open_round
from crewgate.usecases.track import track


async def receive_flow_request(
    crew: str,
    request: FlowRequest,
    *,
    uow: UnitOfWork,
    crews: Crews,
    clock: Clock,
    new_id: NewId,
) -> Received:
    """Store a flow's request with its round, its output and its callback.

    A flow never repeats it, so it is on disk before the flow gets its response. The first of the
    crew's rules that applies is stored with the round.
    """
    now = clock()
    async with uow.begin() as tx:
        execution = await tx.executions.record_activity(crew, request.flow_id, at=now)
        redactor = Redactor(await tx.executions.secrets_of_opened(execution))
        request = without_secrets(request, redactor)
        ask = request.question.ask
        candidate = Review(
            id=new_id(),
            crew=crew,
            execution_id=request.flow_id,
            task_id=request.method if ask is None else ask.place,
            task_name=None if ask is None else request.method,
            agent=request.flow_name,
        )
        known = await tx.round_of_request(crew, request.flow_id, request.question.request_id)
        review, latest = await tx.open_review(candidate) if known is None else (known.review, None)
        named = crews.get(crew)
        meta = keep_asked(request.meta, asked_meta(named.rules if named else ()))
        described = execution.with_origin(carried=meta)
        receipt = receive_request(
            known,
            latest,
            request,
            review=review,
            at=now,
            new_id=new_id,
            rule=_rule(request, described, review, named) if named else None,
            operators=_operators(known, named) if known and named else None,
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
                execution = await _is_flow(tx, execution)
            await track(tx, execution, carried=meta, at=now)
    return Received(receipt.current, receipt.opened)


async def _is_flow(tx: Tx, execution: Execution) -> Execution:
    """Mark an execution as a flow. An end before that was the end of one of its crews."""
    ended = execution.is_over and not execution.tracked
    flow = replace(execution.reopen() if ended else execution, is_flow=True)
    await tx.executions.save(flow)
    return flow


def _operators(known: Round, crew: Crew) -> tuple[ReviewerRef, ...] | None:
    """Return the operators if the request's assignees decide; None if they do not."""
    is_open = is_open_to_assigned(
        known.question, known.rule, crew.rules, reviewers=bool(crew.reviewers)
    )
    return crew.operators if is_open else None


def _rule(request: FlowRequest, execution: Execution, review: Review, crew: Crew) -> Rule | None:
    chosen = choose_rule(crew, execution, review, request.output)
    return rule_for(request.question, chosen, reviewers=bool(crew.reviewers))

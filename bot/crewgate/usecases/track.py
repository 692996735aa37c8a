"""Tracking an execution to its end by its webhooks."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.execution import (
    CrewUpdate,
    Execution,
    ExecutionState,
    ExecutionUpdate,
    StepUpdate,
    TaskUpdate,
    about,
)
from crewgate.domain.notification import CallerValues
from crewgate.domain.reason import ExecutionEnded, ExecutionFailed, ExecutionGone, ExecutionOver
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import State
from crewgate.domain.verdict import Person
from crewgate.usecases.evidence import STATUS_POLL, apply_activity, first_poll
from crewgate.usecases.ports.base import NewId
from crewgate.usecases.ports.store import Tx, UnitOfWork
from crewgate.usecases.read_models import ForwardedWebhook
from crewgate.usecases.timed import apply


async def track(
    tx: Tx,
    execution: Execution,
    *,
    at: datetime,
    starter: Person | None = None,
    inputs: CallerValues | None = None,
    meta: CallerValues = (),
    carried: CallerValues | None = None,
    carried_inputs: CallerValues | None = None,
) -> None:
    """Track an opened execution, because it was started here or has paused for a review.

    `meta` comes from its caller, `carried` from a notification; None: it has not paused, its
    kickoff was answered. Updates that were recorded before are shown now. A pause reopens an
    execution that has ended; a kickoff's answer, which may be stored after the end, does not.
    """
    before = execution
    execution = before.with_origin(
        starter=starter,
        inputs=inputs,
        meta=meta,
        carried=carried or (),
        carried_inputs=carried_inputs,
    )
    first = not execution.tracked
    reopened = carried is not None and execution.tracked and execution.is_over
    if not first and not reopened and before == execution:
        return
    if reopened:
        execution = execution.reopen()
    await tx.executions.save(replace(execution, tracked=True))
    effects: list[Effect] = []
    if not first and (execution.subject, execution.starters) != (before.subject, before.starters):
        # Its cards were posted without these.
        unfinished = await tx.unfinished(execution.crew, execution.execution_id)
        effects += [about(execution, EffectKind.REFRESH, round_.id) for round_ in unfinished]
    if starter is not None or execution.completed_tasks:
        # Where it has paused, the card is what people wait for.
        progress = about(execution, EffectKind.PROGRESS)
        await tx.enqueue([progress], at=at, last=carried is not None)
    if first and execution.is_over:
        effects.append(about(execution, EffectKind.POST_RESULT))
    await tx.enqueue(effects, at=at)
    poll = about(execution, EffectKind.POLL_STATUS)
    if reopened:
        # A poll from before the end may still wait.
        await tx.expedite(poll, at=at + STATUS_POLL.first)
    elif first and not execution.is_over:
        soon = first_poll(execution) if carried is not None else STATUS_POLL.first
        await tx.enqueue([poll], at=at, due_at=at + soon)


async def record_update(
    crew: str,
    execution_id: str,
    update: ExecutionUpdate,
    *,
    uow: UnitOfWork,
    at: datetime,
    new_id: NewId,
    webhook: ForwardedWebhook | None = None,
) -> None:
    """Record a task, step or crew webhook; `webhook` is its form for forwarding."""
    async with uow.begin() as tx:
        execution = await tx.executions.record_activity(crew, execution_id, at=at)
        update = Redactor(await tx.executions.secrets_of_opened(execution)).fields(update)
        if isinstance(update, TaskUpdate):
            await tx.executions.add_task_update(new_id(), execution, update, at=at)
        execution = await apply_activity(tx, execution, at=at)
        match update:
            case StepUpdate(doing=doing):
                await tx.executions.save(replace(execution, step=doing))
            case TaskUpdate():
                await tx.executions.save(execution.finish_task())
                if execution.tracked:
                    await tx.enqueue([about(execution, EffectKind.REFRESH_PROGRESS)], at=at)
            case CrewUpdate():
                await _complete_crew(tx, execution, update, at=at)
            case _:
                assert_never(update)
        if webhook is not None:
            await tx.executions.add_forwarded_webhook(webhook)
            await tx.enqueue([about(execution, EffectKind.FORWARD, webhook.id)], at=at)


async def end_execution(
    tx: Tx, before: Execution, ended: Execution, *, at: datetime, while_waiting: bool = False
) -> None:
    """Save an execution that has ended, close its unfinished rounds, and post the result once.

    `while_waiting`: only its status says that it ended, and it waited for a person.
    """
    await tx.executions.save(ended)
    for round_ in await tx.unfinished(ended.crew, ended.execution_id):
        if round_.state is not State.DECIDED:  # sending it will tell
            closed = round_.close(_why_over(ended, while_waiting=while_waiting), at)
            await apply(tx, closed, at=at)
    if not ended.tracked:
        return
    effects = [about(ended, EffectKind.REFRESH_PROGRESS)]
    if not before.is_over:
        effects.append(about(ended, EffectKind.POST_RESULT))
    await tx.enqueue(effects, at=at)


def _why_over(execution: Execution, *, while_waiting: bool) -> ExecutionOver:
    match execution.state:
        case ExecutionState.FAILED:
            return ExecutionFailed(execution.error, while_waiting)
        case ExecutionState.GONE:
            return ExecutionGone()
        case _:
            return ExecutionEnded(while_waiting)


async def _complete_crew(tx: Tx, execution: Execution, update: CrewUpdate, *, at: datetime) -> None:
    ended = execution.end(ExecutionState.COMPLETED, at, result=update.result, tokens=update.tokens)
    await end_execution(tx, execution, ended, at=at)

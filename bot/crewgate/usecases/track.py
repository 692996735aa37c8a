"""Executions from their webhooks and statuses, and evidence that a decision was taken.

Evidence belongs to a review: tasks may run and wait in parallel, and a webhook of one proves
nothing about another.
"""

import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar, assert_never

from crewgate.domain import reason
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.execution import (
    CrewUpdate,
    Execution,
    ExecutionState,
    ExecutionUpdate,
    StepUpdate,
    TaskUpdate,
    effect_on,
)
from crewgate.domain.notification import CallerValues
from crewgate.domain.outcome import Refused
from crewgate.domain.redaction import Dataclass, has_address, with_texts, without_paths
from crewgate.domain.retry import Retry
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Person
from crewgate.usecases.ports.base import NewId
from crewgate.usecases.ports.store import Queries, Tx, UnitOfWork
from crewgate.usecases.read_models import ForwardedWebhook
from crewgate.usecases.rounds import apply, schedule

#: The times at which a crew is asked for an execution's status: after 5 s, then less often.
STATUS_POLL = Retry(
    first=timedelta(seconds=5), longest=timedelta(minutes=5), give_up_after=timedelta(days=14)
)
PAUSED_POLL: Final = timedelta(hours=1)
#: The time within which a paused execution is polled first, so that polls after a burst of
#: notifications are spread. The time is short, because later statuses are compared with the first:
#: another task is evidence that the crew has gone on.
FIRST_POLL_WITHIN: Final = timedelta(minutes=1)


def first_poll(execution: Execution) -> timedelta:
    share = zlib.crc32(execution.execution_id.encode()) / 2**32
    return STATUS_POLL.first + FIRST_POLL_WITHIN * share


async def waits_for_a_person(tx: Tx, execution: Execution) -> bool:
    """Return True if an execution cannot go on before somebody decides.

    An execution can go on if its status names a task that does not wait: another branch runs.
    """
    unfinished = await tx.unfinished(execution.crew, execution.execution_id)
    waiting = [one.review for one in unfinished if one.state is State.WAITING]
    task = execution.current_task
    runs = task is not None and all(task not in review.names for review in waiting)
    return bool(waiting) and not runs and not execution.stuck_in_doubt


async def is_alone(tx: Tx, round_: Round, execution: Execution) -> bool:
    """Return True if only the round's task has waited or sent webhooks since its pause."""
    # Each try sets `activity_before` anew, so only `was_alone` still knows of tasks that were
    # active before an earlier try.
    was_alone = round_.was_alone and not execution.is_flow
    if not was_alone or execution.activity_count != round_.activity_before:
        return False
    return not (await tx.heard_since(round_)).beside


async def was_taken(
    tx: Tx, round_: Round, execution: Execution, *, left: str | None = None, refused: bool = False
) -> bool:
    """Return True if there is evidence that the crew took a decision in doubt.

    Evidence is the end of the execution, or a webhook that says that the task is done. If the task
    is alone, further evidence is a status that has `left` it, and any webhook that names no other
    task. `refused`: the crew says that it does not wait for this decision; if the task was alone
    when the first try began, any webhook since then is evidence too.
    """
    if execution.state is ExecutionState.COMPLETED:
        return True
    heard = await tx.heard_since(round_)
    since = execution.activity_count - round_.activity_before
    alone = round_.was_alone and not heard.beside and not execution.is_flow
    moved = left in round_.review.names or since > heard.named
    return heard.done or (alone and moved) or (refused and round_.was_alone and since > 0)


async def apply_activity(tx: Tx, execution: Execution, *, at: datetime) -> Execution:
    """Reopen an execution that the crew knows after all; settle its stuck rounds by a webhook."""
    if execution.state is ExecutionState.GONE:
        execution = await reopen(tx, execution, at=at)
    if execution.stuck_in_doubt:
        execution = await settle_stuck(tx, execution, at=at)
    return execution


async def reopen(tx: Tx, execution: Execution, *, at: datetime) -> Execution:
    back = execution.reopen()
    for round_ in await tx.closed_as_gone(back.crew, back.execution_id):
        reopened = round_.reopen()
        await apply(tx, reopened, at=at)
        await schedule(tx, reopened.round, at=at)
    await tx.executions.save(back)
    await tx.enqueue([effect_on(back, EffectKind.REFRESH_PROGRESS)], at=at)
    await tx.expedite(effect_on(back, EffectKind.POLL_STATUS), at=at + STATUS_POLL.first)
    return back


async def settle_stuck(
    tx: Tx, execution: Execution, *, at: datetime, left: str | None = None
) -> Execution:
    still = False
    for round_ in await tx.unfinished(execution.crew, execution.execution_id):
        if round_.state is not State.STUCK or not round_.needs_evidence:
            continue
        if await was_taken(tx, round_, execution, left=left, refused=is_not_waiting(round_.reason)):
            await apply(tx, round_.took_effect(at), at=at)
        else:
            still = True
    if still:
        return execution
    settled = replace(execution, stuck_in_doubt=False)
    await tx.executions.save(settled)
    return settled


def is_not_waiting(said: object) -> bool:
    """Return True for a 400: it may mean that the crew does not wait, or have another cause."""
    return isinstance(said, Refused | reason.RefusedByCrew) and said.code == "400"


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

    `meta` comes from the caller of its kickoff; `carried` from a notification, None for the answer
    to a kickoff. Updates that came before the tracking are shown now. A pause reopens an ended
    execution; a kickoff's answer, which may be stored after the end, does not.
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
    await tx.executions.save(execution, tracked=True)
    effects: list[Effect] = []
    if not first and (execution.topic, execution.starters) != (before.topic, before.starters):
        # The cards of this execution were posted without its new topic and starters.
        unfinished = await tx.unfinished(execution.crew, execution.execution_id)
        effects += [effect_on(execution, EffectKind.REFRESH, round_.id) for round_ in unfinished]
    if starter is not None or execution.completed_tasks:
        # After a pause, the card is what people wait for, so the progress message comes last.
        progress = effect_on(execution, EffectKind.PROGRESS)
        await tx.enqueue([progress], at=at, last=carried is not None)
    await tx.enqueue(effects, at=at)
    if first and execution.is_over:
        await _tell_end(tx, execution, at=at)
    poll = effect_on(execution, EffectKind.POLL_STATUS)
    if reopened:
        # A poll from before the end may still wait, so it is brought forward.
        await tx.expedite(poll, at=at + STATUS_POLL.first)
    elif first and not execution.is_over:
        soon = first_poll(execution) if carried is not None else STATUS_POLL.first
        await tx.enqueue([poll], at=at, due_at=at + soon)


#: Texts that people review, or that only the code compares.
_AS_THEY_CAME: Final = ("result", "task")

V = TypeVar("V", bound=Dataclass)


async def without_callers_paths(value: V, crew: str, execution_id: str, store: Queries | Tx) -> V:
    """Return an update or an answer of a crew; of callers' addresses scheme and host are left."""
    if not has_address(value):
        return value
    addresses = await store.executions.addresses_of(crew, execution_id)
    return with_texts(value, partial(without_paths, addresses=addresses), keep=_AS_THEY_CAME)


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
    async with uow.begin() as tx:
        execution = await tx.executions.open(crew, execution_id, at=at, activity=1)
        update = await without_callers_paths(update, crew, execution_id, tx)
        if isinstance(update, TaskUpdate):
            await tx.executions.add_task_update(new_id(), execution, update, at=at)
        execution = await apply_activity(tx, execution, at=at)
        match update:
            case StepUpdate(doing=doing):
                await tx.executions.save(replace(execution, step=doing))
            case TaskUpdate():
                await tx.executions.save(execution.finish_task())
                if execution.tracked:
                    await tx.enqueue([effect_on(execution, EffectKind.REFRESH_PROGRESS)], at=at)
            case CrewUpdate() if execution.is_flow and await tx.unfinished(crew, execution_id):
                pass  # one crew of the flow has ended: the flow goes on once people have answered
            case CrewUpdate():
                ended = execution.end(
                    ExecutionState.COMPLETED, at, result=update.result, tokens=update.tokens
                )
                await end_execution(tx, execution, ended, at=at)
            case _:
                assert_never(update)
        if webhook is not None:
            await tx.executions.add_forwarded_webhook(webhook)
            await tx.enqueue([effect_on(execution, EffectKind.FORWARD, webhook.id)], at=at)


async def end_execution(
    tx: Tx, before: Execution, ended: Execution, *, at: datetime, while_waiting: bool = False
) -> None:
    """Save an ended execution, close its unfinished rounds, and post the result once.

    `while_waiting`: the execution waited for a person, and only its status says that it ended.
    """
    await tx.executions.save(ended)
    for round_ in await tx.unfinished(ended.crew, ended.execution_id):
        # A decided round stays open: the next try to resume shows whether the crew still waits.
        if round_.state is not State.DECIDED:
            closed = round_.close(_why_over(ended, while_waiting=while_waiting), at)
            await apply(tx, closed, at=at)
    if not ended.tracked:
        return
    await tx.enqueue([effect_on(ended, EffectKind.REFRESH_PROGRESS)], at=at)
    if not before.is_over:
        await _tell_end(tx, ended, at=at)


async def _tell_end(tx: Tx, ended: Execution, *, at: datetime) -> None:
    """Enqueue the message of an end, dated to that end: a job older than the end posts nothing."""
    assert ended.ended_at is not None, "it is over"
    await tx.enqueue([effect_on(ended, EffectKind.POST_RESULT)], at=ended.ended_at, due_at=at)


def _why_over(execution: Execution, *, while_waiting: bool) -> reason.ExecutionOver:
    match execution.state:
        case ExecutionState.FAILED:
            return reason.ExecutionFailed(execution.error, while_waiting)
        case ExecutionState.GONE:
            return reason.ExecutionGone()
        case _:
            return reason.ExecutionEnded(while_waiting)

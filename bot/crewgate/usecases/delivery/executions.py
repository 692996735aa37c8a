"""Deliver execution messages to Slack: progress, the result."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import Execution
from crewgate.domain.outcome import Delivered, Outcome
from crewgate.domain.review import Round
from crewgate.usecases.delivery import messages
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.posting import post_in_thread
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Posted, Thread
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import ExecutionPosting, MessageRef

#: The most rounds that the progress of an execution tells of.
ROUNDS: Final = 20


async def show_progress(job: Job, context: DeliveryContext) -> Outcome:
    """Post the message that shows how far an execution is, or have it brought up to date.

    Once it is over its result says all but who started it on what.
    """
    posting = await _posting(job, context)
    if posting is None or _is_told_by_result(posting):
        return await settle(job, Delivered("nothing to show"), context)
    if posting.progress_message is None:
        return await _post(job, context, await _with_rounds(posting, context))
    # Not here: only posts hold up posts.
    return await _leave_to(EffectKind.REFRESH_PROGRESS, job, context)


async def _leave_to(
    kind: EffectKind, job: Job, context: DeliveryContext, *, last: bool = False
) -> Outcome:
    async with context.uow.begin() as tx:
        await tx.enqueue_once(replace(job.effect, kind=kind), at=context.clock(), last=last)
        await tx.complete(job)
    return Delivered()


def _is_told_by_result(posting: ExecutionPosting) -> bool:
    execution = posting.execution
    return posting.progress_message is None and execution.is_over and execution.starter is None


async def _with_rounds(posting: ExecutionPosting, context: DeliveryContext) -> ExecutionPosting:
    execution = posting.execution
    lines = await context.uow.read.rounds.of_execution(
        execution.crew, execution.execution_id, limit=ROUNDS
    )
    return replace(posting, rounds=tuple(line.round for line in lines))


async def refresh_progress(job: Job, context: DeliveryContext) -> Outcome:
    """Bring the progress message up to date, or have it posted: what needs no post takes no turn.

    The result tells what is lost if it cannot be brought up to date.
    """
    posting = await _posting(job, context)
    if posting is None or _is_told_by_result(posting):
        return await settle(job, Delivered("nothing to show"), context)
    if posting.progress_message is None:
        # Only the first message of a thread is waited for.
        begun = posting.thread_ts is not None
        return await _leave_to(EffectKind.PROGRESS, job, context, last=begun)
    message, posting = posting.progress_message, await _with_rounds(posting, context)
    return await messages.refresh(job, posting, message, context)


async def post_result(job: Job, context: DeliveryContext) -> Outcome:
    """Post how an execution ended; a result that a message cannot hold follows as a file.

    A result that somebody approved as the last output is there already.
    """
    posting = await _posting(job, context)
    if posting is None or not posting.execution.is_over:
        return await settle(job, Delivered("not over"), context)
    posting = replace(posting, approved=await _approved(posting.execution, context))
    return await _post(job, context, posting)


async def clear_thread(job: Job, context: DeliveryContext) -> Outcome:
    """Delete the files in a thread, and take the result out of the message of the end."""
    posting = await _posting(job, context)
    ts, channel = job.effect.subject, job.effect.channel
    assert posting is not None  # noqa: S101  # no execution is ever deleted
    assert channel is not None  # noqa: S101  # every one has it
    # What came since is of a round whose text is there.
    until = job.created_at
    outcome = await context.messenger.clear(MessageRef(channel, ts, ts), posting, until=until)
    return await settle(job, outcome, context)


async def say(job: Job, context: DeliveryContext) -> Outcome:
    """Post a plain message about an execution into its thread."""
    posting = await _posting(job, context)
    if posting is None:
        return await settle(job, Delivered("nothing to say"), context)
    return await _post(job, context, posting)


async def _approved(execution: Execution, context: DeliveryContext) -> Round | None:
    """Return the execution's last approved round, if its output is the result."""
    read = context.uow.read
    last = await read.rounds.last_approved(execution.crew, execution.execution_id)
    if last is None or execution.result is None:
        return None
    masking = context.crews[execution.crew].redact
    if masking:
        # As it came, for what is masked may differ.
        found = await read.executions.find(execution.crew, execution.execution_id)
        execution = found or execution
    output = (await read.posting(last.id, as_it_came=True)).view.output
    same = execution.result is not None and output.text.strip() == execution.result.text.strip()
    return masking.shown(last) if same else None


async def _posting(job: Job, context: DeliveryContext) -> ExecutionPosting | None:
    return await context.uow.read.executions.posting(job.effect.crew, job.effect.execution_id)


async def _post(job: Job, context: DeliveryContext, posting: ExecutionPosting) -> Outcome:
    async def post(*, channel: str, posted_since: datetime | None) -> Outcome:
        to = Thread(channel, posting.thread_ts)
        return await messages.post(job, posting, context, to=to, posted_since=posted_since)

    async def record(tx: Tx, posted: Posted) -> None:
        place = (
            tx.executions.place_progress_message
            if job.effect.kind is EffectKind.PROGRESS
            else tx.executions.join_thread
        )
        await place(job.effect.crew, job.effect.execution_id, posted.ref)

    async def forget(tx: Tx) -> None:
        await tx.executions.forget_thread(job.effect.crew, job.effect.execution_id)

    return await post_in_thread(
        job,
        post,
        channel=posting.channel or context.crews[job.effect.crew].channel,
        record=record,
        forget=forget,
        file=EffectKind.RESULT_FILE,
        context=context,
    )

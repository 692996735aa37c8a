"""Deliveries about executions: messages, files and forwarded webhooks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.execution import Execution, said_starter
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.review import Round
from crewgate.usecases.delivery import messages
from crewgate.usecases.delivery.context import DeliveryContext, settle
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.slack import FILE_NOT_SHARED, Posted, Thread
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import ExecutionPosting, MessageRef, Posting

log = structlog.get_logger(__name__)

ROUNDS: Final = 20


async def show_progress(job: Job, context: DeliveryContext) -> Outcome:
    """Post the progress message of an execution or, if there is one, enqueue its update."""
    posting = await _posting(job, context)
    if posting is None or _is_told_by_the_result(posting):
        return await settle(job, Delivered("nothing to show"), context)
    if posting.progress_message is None:
        return await _post(job, context, await _with_rounds(posting, context))
    # The message is updated by a job of its own: this job is a post, and an update must not hold
    # up the posts behind it.
    return await _leave_to(EffectKind.REFRESH_PROGRESS, job, context)


async def _leave_to(
    kind: EffectKind, job: Job, context: DeliveryContext, *, last: bool = False
) -> Outcome:
    async with context.uow.begin() as tx:
        await tx.enqueue_once(replace(job.effect, kind=kind), at=context.clock(), last=last)
        await tx.complete(job)
    return Delivered()


def _is_told_by_the_result(posting: ExecutionPosting) -> bool:
    execution = posting.execution
    return posting.progress_message is None and execution.is_over and execution.starter is None


async def _with_rounds(posting: ExecutionPosting, context: DeliveryContext) -> ExecutionPosting:
    execution = posting.execution
    of = execution.crew, execution.execution_id
    lines = await context.uow.read.rounds.of_execution(*of, limit=ROUNDS)
    return replace(posting, rounds=tuple(line.round for line in lines))


async def refresh_progress(job: Job, context: DeliveryContext) -> Outcome:
    """Update the progress message, or enqueue its first post."""
    posting = await _posting(job, context)
    if posting is None or _is_told_by_the_result(posting):
        return await settle(job, Delivered("nothing to show"), context)
    if posting.progress_message is None:
        # People wait for the first message of a thread; in a thread that has one, the progress
        # message comes after all other jobs.
        begun = posting.thread_ts is not None
        return await _leave_to(EffectKind.PROGRESS, job, context, last=begun)
    message, posting = posting.progress_message, await _with_rounds(posting, context)
    return await messages.refresh(job, posting, message, context)


async def post_result(job: Job, context: DeliveryContext) -> Outcome:
    """Post that an execution ended, with its result unless that is the output approved last."""
    posting = await _posting(job, context)
    ended_at = None if posting is None else posting.execution.ended_at
    if posting is None or ended_at is None or job.created_at < ended_at:
        return await settle(job, Delivered("that end was none"), context)
    posting = replace(posting, approved=await _approved(posting, context))
    return await _post(job, context, posting)


async def clear_thread(job: Job, context: DeliveryContext) -> Outcome:
    posting = await _posting(job, context)
    ts, channel = job.effect.target, job.effect.channel
    assert posting is not None, "executions are never deleted"
    assert channel is not None, "channel is always set for this kind of effect"
    # Files that are newer than this job stay: they belong to rounds whose texts are not removed.
    until = job.created_at
    outcome = await context.messenger.clear(MessageRef(channel, ts, ts), posting, until=until)
    return await settle(job, outcome, context)


async def say(job: Job, context: DeliveryContext) -> Outcome:
    posting = await _posting(job, context)
    if posting is None:
        return await settle(job, Delivered("nothing to say"), context)
    return await _post(job, context, posting)


async def _approved(of: ExecutionPosting, context: DeliveryContext) -> Round | None:
    read, execution = context.uow.read, of.execution
    last = await read.rounds.last_approved(execution.crew, execution.execution_id)
    if last is None or execution.result is None:
        return None
    masking = context.crews[execution.crew].redact
    if masking:
        # The texts are compared unmasked, because masks may differ.
        found = await read.executions.find(execution.crew, execution.execution_id)
        execution = found or execution
    posting = await read.posting(last.id, as_it_came=True)
    # The card may be in a rule's own channel, which people in the crew's channel cannot open.
    if posting.card is None or posting.card.channel != of.channel:
        return None
    output = posting.view.output
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
        crew, execution_id = job.effect.crew, job.effect.execution_id
        await tx.executions.forget_thread(crew, execution_id, posting.thread_ts)

    return await messages.post_in_thread(
        job,
        post,
        channel=posting.channel or context.crews[job.effect.crew].channel,
        record=record,
        forget=forget,
        file=EffectKind.RESULT_FILE,
        context=context,
    )


#: The most uploads of one file, if the thread does not show it after an upload.
UPLOADS: Final = 2
_OF_ROUND: Final = (EffectKind.LOOK_FOR_FILE, EffectKind.ATTACH_FAILED)
_OF_RESULT: Final = (EffectKind.LOOK_FOR_RESULT_FILE, EffectKind.RESULT_FILE_FAILED)
_NEXT: Final[Mapping[EffectKind, tuple[EffectKind, EffectKind]]] = {
    EffectKind.ATTACH: _OF_ROUND,
    EffectKind.LOOK_FOR_FILE: _OF_ROUND,
    EffectKind.RESULT_FILE: _OF_RESULT,
    EffectKind.LOOK_FOR_RESULT_FILE: _OF_RESULT,
}


async def attach(job: Job, context: DeliveryContext) -> Outcome:
    """Put the whole output, or the whole result, as a file into the thread, and settle the job.

    If its effect counts earlier uploads, the file is looked for first; a missing file is uploaded
    once more, or reported missing.
    """
    about = await _owner_of(job.effect, context)
    if about is None:
        return await settle(job, Delivered("nothing to attach"), context)
    uploads, (look, missing) = job.effect.number or 0, _NEXT[job.effect.kind]
    failed = replace(job.effect, kind=missing, number=None)
    if uploads:
        found = await context.messenger.find_file(about)
        is_missing = isinstance(found, Refused) and found.code == FILE_NOT_SHARED
        if not is_missing or uploads == UPLOADS:
            return await settle(job, found, context, failed=failed if is_missing else None)
        log.warning("file_not_shared", kind=job.effect.kind, subject=job.effect.target)
    since = None if uploads else job.began_at  # `find_file` has just searched the thread
    outcome = await context.messenger.attach(about, posted_since=since)
    if not isinstance(outcome, Delivered):
        # `settle` counts a missing scope for files as success, and `then` follows a success: the
        # message with the result promised the file, and has no *Read all* in its place.
        then = [failed] if missing is EffectKind.RESULT_FILE_FAILED else []
        return await settle(job, outcome, context, failed=failed, then=then)
    async with context.uow.begin() as tx:
        later = replace(job.effect, kind=look, number=uploads + 1)
        if await tx.complete(job):
            await tx.enqueue([later], at=context.clock() + context.share_grace)
    return outcome


async def _owner_of(effect: Effect, context: DeliveryContext) -> Posting | ExecutionPosting | None:
    if _NEXT[effect.kind] is _OF_ROUND:
        posting = await context.uow.read.posting(effect.target)
        return None if posting.card is None else posting
    found = await context.uow.read.executions.posting(effect.crew, effect.execution_id)
    is_there = found is not None and found.execution.result is not None and found.thread_ts
    return found if is_there else None


#: The most time by which a kickoff's answer, with its caller's URLs, may follow the first webhook.
KICKOFF_ANSWER_TIMEOUT = timedelta(minutes=15)
_UNREADABLE: Final = NotSent("its address cannot be read with any key in SECRET_KEYS")


async def forward(job: Job, context: DeliveryContext) -> Outcome:
    """Forward one webhook to its caller; the execution's next webhook waits for this one."""
    webhook = await context.uow.read.executions.forwarded_webhook(job.effect.target)
    if webhook is None:
        return await _drop(job, context)
    # The execution is read before its URLs: the kickoff's answer is stored together with its URLs,
    # so an execution that shows the answer cannot be read without them.
    execution = await context.uow.read.executions.find(webhook.crew, webhook.execution_id)
    given = await context.uow.read.executions.given_webhooks(webhook.crew, webhook.execution_id)
    urls = context.crews[webhook.crew].forwards_to(given)
    url = {"task": urls.task, "step": urls.step, "crew": urls.crew}[webhook.kind]
    if not given.is_readable:
        outcome: Outcome = _UNREADABLE
    elif url is None:
        # Only registered URLs prove that the kickoff's answer is stored: a notification, which has
        # URLs too, may come before the answer.
        of = webhook.crew, webhook.execution_id
        answered = await context.uow.read.executions.has_registered(*of)
        return await _wait_for_url(job, execution, context, answered=answered)
    else:
        outcome = await context.forwarder.forward(webhook, url)
    if isinstance(outcome, Delivered):
        return await _drop(job, context)
    if isinstance(outcome, Refused) or context.gives_up(job):
        failed = replace(job.effect, kind=EffectKind.FORWARD_FAILED, target=webhook.kind)
        await _drop(job, context, failed)
        return outcome
    async with context.uow.begin() as tx:
        at = context.next_try(job, in_doubt=False)
        await tx.retry(job, at=at, in_doubt=False, failed_at=context.clock())
    # After NotSent the worker would wait, but one caller's address says nothing about others.
    return Unknown(outcome.why) if isinstance(outcome, NotSent) else outcome


async def _wait_for_url(
    job: Job, execution: Execution | None, context: DeliveryContext, *, answered: bool
) -> Outcome:
    """Wait for the kickoff's answer, which may bring the URL, or drop the webhook.

    `answered`: the answer is stored, with other URLs. Else it may come even after the end.
    """
    if execution is None:
        return await _drop(job, context)  # the webhook became a dead letter, which is reported
    # A starter proves that the kickoff's answer is stored; inputs do not, as a notification may
    # carry inputs, too.
    answered = answered or said_starter(execution.starter, execution.meta) is not None
    if answered or context.clock() - execution.began_at >= KICKOFF_ANSWER_TIMEOUT:
        return await _drop(job, context)
    async with context.uow.begin() as tx:
        await tx.retry(job, at=context.next_try(job, in_doubt=False), in_doubt=False)
    return Delivered("not yet")


async def _drop(job: Job, context: DeliveryContext, *then: Effect) -> Outcome:
    async with context.uow.begin() as tx:
        if await tx.complete(job):
            await tx.enqueue(then, at=context.clock())
        elif then:  # another bot has the job by now, and tells of its own failure
            return Delivered()
        await tx.executions.remove_forwarded_webhook(job.effect.target)
    return Delivered()

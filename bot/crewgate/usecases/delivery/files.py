"""Files in threads: uploaded, and looked for later. Each function settles its job.

Slack shares a file some time after it says that the upload is complete
(https://github.com/slackapi/bolt-js/issues/2115), and sometimes never.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, Outcome, Refused
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import FILE_NOT_SHARED
from crewgate.usecases.read_models import ExecutionPosting, Posting

log = structlog.get_logger(__name__)

#: How often a file is uploaded that is not in its thread afterwards.
UPLOADS: Final = 2


async def attach(job: Job, context: DeliveryContext) -> Outcome:
    """Put the whole output, or the whole result, as a file into the thread."""
    about = await _about(job, context)
    if about is None:
        return await settle(job, Delivered("nothing to attach"), context)
    return await _upload(job, about, context, number=1, posted_since=job.began_at)


async def look_for(job: Job, context: DeliveryContext) -> Outcome:
    """Look for the file; upload it once more if it is not there, and say so if it never is."""
    about = await _about(job, context)
    if about is None:
        return await settle(job, Delivered("nothing to look for"), context)
    outcome = await context.messenger.find_file(about)
    uploads = job.effect.number or UPLOADS
    if not (isinstance(outcome, Refused) and outcome.code == FILE_NOT_SHARED):
        return await settle(job, outcome, context)
    if uploads >= UPLOADS:
        return await settle(job, outcome, context, failed=_failed(job, about))
    log.warning("file_not_shared", kind=job.effect.kind, subject=job.effect.subject)
    return await _upload(job, about, context, number=uploads + 1)


async def _about(job: Job, context: DeliveryContext) -> Posting | ExecutionPosting | None:
    """Return what the file is about; None where somebody deleted the message that it is below."""
    read, effect = context.uow.read, job.effect
    if not _is_of_execution(effect):
        posting = await read.posting(effect.subject)
        return None if posting.card is None else posting
    found = await read.executions.posting(effect.crew, effect.execution_id)
    is_there = found is not None and found.execution.result is not None and found.thread_ts
    return found if is_there else None


async def _upload(
    job: Job,
    about: Posting | ExecutionPosting,
    context: DeliveryContext,
    *,
    number: int,
    posted_since: datetime | None = None,
) -> Outcome:
    outcome = await context.messenger.attach(about, posted_since=posted_since)
    if not isinstance(outcome, Delivered):
        return await settle(job, outcome, context, failed=_failed(job, about))
    of_execution = _is_of_execution(job.effect)
    kind = EffectKind.LOOK_FOR_RESULT_FILE if of_execution else EffectKind.LOOK_FOR_FILE
    look = replace(job.effect, kind=kind, number=number)
    async with context.uow.begin() as tx:
        await tx.enqueue([look], at=context.clock() + context.share_grace)
        await tx.complete(job)
    return outcome


def _failed(job: Job, about: Posting | ExecutionPosting) -> Effect:
    if isinstance(about, Posting):
        return about.view.round.effect(EffectKind.ATTACH_FAILED)
    return replace(job.effect, kind=EffectKind.RESULT_FILE_FAILED)


def _is_of_execution(effect: Effect) -> bool:
    return effect.kind in (EffectKind.RESULT_FILE, EffectKind.LOOK_FOR_RESULT_FILE)

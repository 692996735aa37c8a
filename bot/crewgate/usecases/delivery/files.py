"""Files in threads: uploaded, and looked for later.

Slack shares a file some time after it says that the upload is complete
(https://github.com/slackapi/bolt-js/issues/2115), and sometimes never.
"""

from collections.abc import Mapping
from dataclasses import replace
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
_OF_ROUND: Final = (EffectKind.LOOK_FOR_FILE, EffectKind.ATTACH_FAILED)
_OF_RESULT: Final = (EffectKind.LOOK_FOR_RESULT_FILE, EffectKind.RESULT_FILE_FAILED)
_NEXT: Final[Mapping[EffectKind, tuple[EffectKind, EffectKind]]] = {
    EffectKind.ATTACH: _OF_ROUND,
    EffectKind.LOOK_FOR_FILE: _OF_ROUND,
    EffectKind.RESULT_FILE: _OF_RESULT,
    EffectKind.LOOK_FOR_RESULT_FILE: _OF_RESULT,
}
"""What looks for the file, and what says that it is missing."""


async def attach(job: Job, context: DeliveryContext) -> Outcome:
    """Put the whole output, or the whole result, as a file into the thread, and settle the job.

    After so many uploads as its effect says, the file is looked for first; one that is not there
    is uploaded once more, or said to be missing.
    """
    about = await _about(job.effect, context)
    if about is None:
        return await settle(job, Delivered("nothing to attach"), context)
    uploads, (look, missing) = job.effect.number or 0, _NEXT[job.effect.kind]
    failed = replace(job.effect, kind=missing, number=None)
    if uploads:
        found = await context.messenger.find_file(about)
        is_missing = isinstance(found, Refused) and found.code == FILE_NOT_SHARED
        if not is_missing or uploads == UPLOADS:
            return await settle(job, found, context, failed=failed if is_missing else None)
        log.warning("file_not_shared", kind=job.effect.kind, subject=job.effect.subject)
    since = None if uploads else job.began_at  # it was just looked for
    outcome = await context.messenger.attach(about, posted_since=since)
    if not isinstance(outcome, Delivered):
        return await settle(job, outcome, context, failed=failed)
    async with context.uow.begin() as tx:
        later = replace(job.effect, kind=look, number=uploads + 1)
        await tx.enqueue([later], at=context.clock() + context.share_grace)
        await tx.complete(job)
    return outcome


async def _about(effect: Effect, context: DeliveryContext) -> Posting | ExecutionPosting | None:
    """Return what the file is about; None where somebody deleted the message that it is below."""
    if _NEXT[effect.kind] is _OF_ROUND:
        posting = await context.uow.read.posting(effect.subject)
        return None if posting.card is None else posting
    found = await context.uow.read.executions.posting(effect.crew, effect.execution_id)
    is_there = found is not None and found.execution.result is not None and found.thread_ts
    return found if is_there else None

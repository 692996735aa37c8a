"""From an effect to the function that carries it out."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Outcome
from crewgate.usecases.delivery import (
    audit,
    cards,
    dead_letters,
    digest,
    direct_messages,
    executions,
    files,
    forward,
    messages,
    notes,
    operators,
    reminders,
    resume,
)
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.poll_status import poll_status
from crewgate.usecases.ports.outbox import Job

_DELIVERIES: Final[Mapping[EffectKind, Callable[[Job, DeliveryContext], Awaitable[Outcome]]]] = {
    EffectKind.POST: cards.post,
    EffectKind.REPOST: cards.repost,
    EffectKind.ATTACH: files.attach,
    EffectKind.LOOK_FOR_FILE: files.attach,
    EffectKind.REFRESH: cards.refresh,
    EffectKind.REFRESH_FAILED: cards.post_refresh_failed,
    EffectKind.TELL_REVIEWERS: direct_messages.tell_reviewers,
    EffectKind.DIRECT_MESSAGE: direct_messages.post,
    EffectKind.REFRESH_DIRECT_MESSAGE: direct_messages.refresh,
    EffectKind.TELL_OPERATOR: operators.tell,
    EffectKind.REPORT: dead_letters.report,
    EffectKind.REFRESH_REPORT: dead_letters.refresh_report,
    EffectKind.RESUME: resume.resume,
    EffectKind.PROGRESS: executions.show_progress,
    EffectKind.REFRESH_PROGRESS: executions.refresh_progress,
    EffectKind.POST_RESULT: executions.post_result,
    EffectKind.RESULT_FILE: files.attach,
    EffectKind.LOOK_FOR_RESULT_FILE: files.attach,
    EffectKind.RESULT_FILE_FAILED: executions.say,
    EffectKind.FORWARD_FAILED: executions.say,
    EffectKind.CLEAR_THREAD: executions.clear_thread,
    EffectKind.POLL_STATUS: poll_status,
    EffectKind.FORWARD: forward.forward,
    EffectKind.ACKNOWLEDGE_NOTE: notes.acknowledge,
    EffectKind.AUDIT_HEAD: audit.post_head,
    EffectKind.WEEKLY_DIGEST: digest.post_digest,
    EffectKind.EXPIRE_CLAIM: cards.expire_claim,
    EffectKind.REMIND: reminders.remind,
    EffectKind.POST_REMINDER: reminders.post_reminder,
    EffectKind.ESCALATE: reminders.escalate,
    EffectKind.TIME_OUT: reminders.time_out,
    EffectKind.EXPIRE: reminders.expire,
    EffectKind.POST_TIMED_OUT: reminders.post_timed_out,
}
"""Any other kind is a plain message about a round."""


async def deliver(job: Job, context: DeliveryContext) -> Outcome:
    """Carry out one effect: read the present state, call, record the outcome.

    There is never a call inside a transaction. The job is settled; the outcome tells the worker if
    the whole destination seems to be away (NotSent).
    """
    return await _DELIVERIES.get(job.effect.kind, messages.say)(job, context)

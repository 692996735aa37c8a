"""From an effect to the function that carries it out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bot.domain.effects import EffectKind
from bot.domain.outcome import Outcome
from bot.usecases import follow, notes
from bot.usecases.delivery import cards, resume
from bot.usecases.delivery import executions as showing
from bot.usecases.delivery import forward as hand_on
from bot.usecases.delivery.context import Outside
from bot.usecases.ports.outbox import Job

_DELIVERIES: Final[Mapping[EffectKind, Callable[[Job, Outside], Awaitable[Outcome]]]] = {
    EffectKind.POST: cards.post,
    EffectKind.ATTACH: cards.attach,
    EffectKind.REFRESH: cards.refresh,
    EffectKind.TELL: cards.tell,
    EffectKind.REPORT: cards.report,
    EffectKind.RESUME: resume.resume,
    EffectKind.PROGRESS: showing.progress,
    EffectKind.TASK_DONE: showing.task_done,
    EffectKind.CONCLUDE: showing.conclude,
    EffectKind.RESULT_FILE: showing.result_file,
    EffectKind.NOT_HANDED_ON: showing.not_handed_on,
    EffectKind.FOLLOW: follow.follow,
    EffectKind.HAND_ON: hand_on.hand_on,
    EffectKind.NOTED: notes.acknowledge,
    EffectKind.RELEASE: cards.refresh,
}


async def deliver(job: Job, outside: Outside) -> Outcome:
    """Carry out one effect: read the present state, call, record what came of it.

    Never a call inside a transaction. The job is settled; the outcome tells the worker whether
    the whole destination seems to be away (NotSent).
    """
    return await _DELIVERIES[job.effect.kind](job, outside)

"""Posting into an execution's thread, and recording where the message is."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.operators import note_refusal
from crewgate.usecases.delivery.settle import is_refused, settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Posted
from crewgate.usecases.ports.store import Tx


class Post(Protocol):
    """Posts one message."""

    async def __call__(self, *, channel: str, posted_since: datetime | None) -> Outcome:
        """Post it in this channel, unless an earlier try since then did."""
        ...


Record = Callable[[Tx, Posted], Awaitable[None]]
"""Stores where the message is; it starts the thread if there is none."""

Forget = Callable[[Tx], Awaitable[None]]
"""Forgets a thread that is gone."""


async def post_in_thread(
    job: Job,
    post: Post,
    *,
    channel: str,
    record: Record,
    forget: Forget,
    file: EffectKind | None,
    context: DeliveryContext,
) -> Outcome:
    """Post a message and settle its job.

    `forget` is for when the thread's first message was deleted. `file` attaches the whole of what
    no message could hold.
    """
    outcome = await post(channel=channel, posted_since=job.began_at)
    if is_refused(outcome, RefusalKind.THREAD_GONE):
        async with context.uow.begin() as tx:
            await forget(tx)
            await tx.retry(job, at=context.clock(), in_doubt=False)
        return outcome
    if isinstance(outcome, Refused):
        await note_refusal(job, outcome, channel, context)
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    context.refusing.discard((job.effect.crew, channel))
    async with context.uow.begin() as tx:
        await record(tx, outcome)
        if outcome.too_long and file is not None:
            await tx.enqueue([replace(job.effect, kind=file)], at=context.clock())
        await tx.complete(job)
    return Delivered()

"""Telling a crew a decision, so that it takes effect once.

`/resume` has no idempotency key. Before every try the round notes that from now on nobody knows;
before a try is repeated whose outcome is unknown, evidence is looked for.
"""

from __future__ import annotations

from bot.domain.outcome import Delivered, Outcome, Unknown
from bot.domain.review import Move, Round, State
from bot.usecases.delivery.context import Outside
from bot.usecases.ports.crew import CrewClient
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.store import Tx
from bot.usecases.read_models import Progress

COMPLETED = "completed"
"""The status of an execution that ran to its end, in the crew's own word."""


async def resume(job: Job, outside: Outside) -> Outcome:
    """Send a round's decision to its crew and record what came of it."""
    client = outside.clients[job.effect.crew]
    # Asked before the try begins: it takes up to 2 s, and what is heard meanwhile counts too.
    completed = await _has_completed(await outside.uow.read.round(job.effect.subject), client)
    async with outside.uow.begin() as tx:
        round_ = await tx.round(job.effect.subject)
        unsure = round_.sending_since is not None
        sending = await _begin(round_, tx, job, outside, completed=completed)
    if sending is None:
        return Delivered()
    outcome = await _send(sending, client, outside)
    await _record(job, outcome, unsure=unsure, outside=outside)
    return outcome


async def _begin(
    round_: Round, tx: Tx, job: Job, outside: Outside, *, completed: bool
) -> Round | None:
    """Note that a try begins; None when there is nothing (left) to send."""
    if round_.state is not State.DECIDED:
        await tx.done(job)
        return None
    heard = await tx.heard(round_.review.crew, round_.review.execution_id)
    if round_.sending_since is not None and (completed or heard > round_.heard_before):
        await _save(round_.took_effect(outside.clock()), tx, outside)
        await tx.done(job)
        return None
    sending = round_.begin_sending(outside.clock(), heard=heard)
    await tx.save(sending)
    return sending


async def _has_completed(round_: Round, client: CrewClient) -> bool:
    """Whether the crew says so, if that matters: it cannot complete while it waits for us."""
    if round_.state is not State.DECIDED or round_.sending_since is None:
        return False
    progress = await client.status(round_.review.execution_id)
    return isinstance(progress, Progress) and progress.state == COMPLETED


async def _send(round_: Round, client: CrewClient, outside: Outside) -> Outcome:
    assert round_.decision is not None  # noqa: S101  # a DECIDED round has one
    # Looked up now, not when the button was pressed: somebody may have registered URLs since.
    registered, carried = await outside.uow.read.webhooks(round_)
    urls = outside.crews[round_.review.crew].webhooks_for_resume(registered, carried)
    review = round_.review
    return await client.resume(review.execution_id, review.task_id, round_.decision, urls)


async def _record(job: Job, outcome: Outcome, *, unsure: bool, outside: Outside) -> None:
    now = outside.clock()
    out_of_patience = now - job.created_at >= outside.retry.patience
    async with outside.uow.begin() as tx:
        current = await tx.round(job.effect.subject)
        move = current.settle(outcome, unsure=unsure, out_of_patience=out_of_patience, at=now)
        await _save(move, tx, outside)
        if move.round.state is not State.DECIDED:
            await tx.done(job)
        elif isinstance(outcome, Unknown):
            await tx.again(job, at=outside.next_try(job, unsure=True), unsure=True)
        else:
            # The crew as a whole seems to be away: the worker waits, this job need not.
            await tx.again(job, at=now, unsure=False)


async def _save(move: Move, tx: Tx, outside: Outside) -> None:
    await tx.save(move.round)
    await tx.enqueue(move.effects, at=outside.clock())

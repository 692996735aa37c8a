"""What time brings to a round: enqueued when its card is there, cancelled when it waits no more."""

from __future__ import annotations

from datetime import datetime

from crewgate.domain.review import Round, State
from crewgate.domain.timed import timed_effects
from crewgate.usecases.ports.store import Tx


async def schedule(tx: Tx, round_: Round, *, at: datetime) -> None:
    """Enqueue what happens unless people decide, counted anew from now."""
    if round_.state is not State.WAITING:
        return
    await cancel(tx, round_)
    for effect, due in timed_effects(round_, at):
        await tx.enqueue([effect], at=at, due_at=due)


async def cancel(tx: Tx, round_: Round) -> None:
    """A round waits no more. In the transaction that says so, so that nothing comes after it."""
    if round_.is_timed:
        await tx.cancel(round_.id)

"""Saving transitions, and scheduling reminders, escalation and time-out of waiting rounds."""

from datetime import datetime

from crewgate.domain.crew import Crew
from crewgate.domain.notification import Output, WebhookUrls
from crewgate.domain.people import Role
from crewgate.domain.receipt import Receipt
from crewgate.domain.review import Round, State, Transition
from crewgate.domain.timed import timed_effects
from crewgate.usecases.ports.store import Tx


async def apply(tx: Tx, transition: Transition, *, at: datetime) -> None:
    """Save a round, enqueue its effects, and cancel timed effects once it no longer waits."""
    round_ = transition.round
    await tx.save(round_)
    await tx.enqueue(transition.effects, at=at)
    if round_.state is not State.WAITING:
        await cancel(tx, round_)


async def open_round(
    tx: Tx, receipt: Receipt, output: Output, carried: WebhookUrls, crew: Crew | None
) -> None:
    """Store a new round, and the one that it ends; no crew: the settings name none."""
    if receipt.ended is not None:
        await tx.save(receipt.ended)
        await cancel(tx, receipt.ended)
    reviewers = crew.permitted(Role.REVIEWER) if crew else ()
    await tx.open_round(receipt.current, output, carried, reviewers)


async def schedule(tx: Tx, round_: Round, *, at: datetime) -> None:
    """Enqueue the timed effects of a waiting round, counted anew from now."""
    if round_.state is not State.WAITING:
        return
    await cancel(tx, round_)
    for effect, due in timed_effects(round_, at):
        await tx.enqueue([effect], at=at, due_at=due)


async def cancel(tx: Tx, round_: Round) -> None:
    """Cancel timed effects, in the transaction in which the round stops waiting."""
    if round_.is_timed:
        await tx.cancel(round_.id)

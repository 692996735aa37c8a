"""Floods: more than `FLOOD` waiting rounds of one task under one rule.

The later rounds have no card. A waiting round's card counts them, and *Start* there shows them.
Once that round is decided and nobody goes on deciding, the next round gets a card. While rounds are
left, the next card mentions people again after an hour.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import RowUnreadable
from crewgate.domain.outcome import Delivered, Outcome
from crewgate.domain.review import Round, State
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.ports.base import Job
from crewgate.usecases.read_models import FloodCard, Posting
from crewgate.usecases.rounds import opens_at, schedule

#: The pause without a decision after which a flood's next round gets a card. Somebody who goes
#: through a flood decides more often than that.
QUIET: Final = timedelta(seconds=60)
HOURLY: Final = timedelta(hours=1)


async def gather(job: Job, posting: Posting, context: DeliveryContext) -> bool:
    """Leave a round of a flood to another round's card; return False if it gets its own."""
    round_, read = posting.view.round, context.uow.read
    if round_.number > 1 or job.in_doubt or posting.flood is not None:
        return False
    if await read.floods.count(round_, limit=context.flood + 1) <= context.flood:
        return False
    async with context.uow.begin() as tx:
        if await tx.floods.gather(round_) == round_.id:
            return False
        await tx.enqueue([round_.effect(EffectKind.REFRESH)], at=context.clock())
        await tx.complete(job)
    return True


async def follow(posting: Posting, context: DeliveryContext) -> None:
    """Bring a flood's counting card up to date with a round that has no card, or was decided.

    The flood's next card is planned too, if other rounds still wait for one.
    """
    round_, flood, read = posting.view.round, posting.flood, context.uow.read
    if flood is None or (round_.state is State.WAITING and posting.card is not None):
        return
    card, now = await read.floods.card(flood), context.clock()
    others = bool(await read.floods.next_few(flood))
    call = replace(round_.effect(EffectKind.CALL_NEXT), target=flood)
    due = card.called_at + HOURLY if card is not None and card.waits else now + QUIET
    async with context.uow.begin() as tx:
        if posting.counted_on is not None:
            await tx.enqueue([posting.counted_on.effect(EffectKind.REFRESH)], at=now)
        if others:
            await tx.expedite(call, at=due)


async def call_next(job: Job, context: DeliveryContext) -> Outcome:
    """Have the card of a flood's next round posted: at once, or later if it is too early."""
    flood, read, now = job.effect.target, context.uow.read, context.clock()
    round_ = None
    for following in await read.floods.next_few(flood):
        if await read.is_readable(following):
            round_ = await read.round(following)
            break
    card = await read.floods.card(flood)
    due = now if round_ is None else await _due(round_, card, context, now=now)
    async with context.uow.begin() as tx:
        if due > now:
            await tx.retry(job, at=due, in_doubt=False)
            return Delivered("not yet")
        if round_ is not None and not await tx.floods.posts_card(round_.id):
            await tx.enqueue([round_.effect(EffectKind.POST)], at=now)
        await tx.complete(job)
    return Delivered()


async def _due(
    round_: Round, card: FloodCard | None, context: DeliveryContext, *, now: datetime
) -> datetime:
    """Return the time for the card of a flood's next round, past or future."""
    hourly = now if card is None else card.called_at + HOURLY
    if card is not None and card.waits:
        return opens_at(round_, hourly)
    decided_at = await context.uow.read.floods.last_decision(round_, since=now - QUIET)
    return now if decided_at is None else min(decided_at + QUIET, hourly)


async def begin_time(posting: Posting, context: DeliveryContext) -> None:
    """Count time from now for the rounds that a message counts: Slack has just taken it.

    If the message's own round is decided, its update tells nobody: the flood's next card will.
    """
    waits = posting.view.round.state is State.WAITING
    for round_id in posting.uncounted if waits else ():
        with suppress(RowUnreadable):  # the time of the other rounds begins all the same
            async with context.uow.begin() as tx:
                round_, now = await tx.round(round_id), context.clock()
                if await tx.floods.announce(round_id, at=now):
                    await schedule(tx, round_, at=now)


async def can_be_reached(posting: Posting, context: DeliveryContext) -> bool:
    """Return True if people can see a waiting round: by its card, or by a card that counts it.

    A card counts a round once Slack took its update. A counting card that was decided a moment ago
    still counts: else rounds whose time ends together would be put off again and again, each for
    the round before.
    """
    if posting.card is not None:
        return True
    if posting.flood is None or posting.announced_at is None:
        return False
    card = await context.uow.read.floods.card(posting.flood)
    if card is None or card.waits or card.ended_at is None:
        return card is not None
    return card.ended_at >= context.clock() - 2 * QUIET

"""Going away: somebody else decides meanwhile; and coming back."""

from __future__ import annotations

from datetime import datetime

from bot.domain.errors import CannotStandIn, WhyNot
from bot.domain.rules.absence import LONGEST, Absence
from bot.domain.verdict import Person
from bot.usecases.context import ReviewContext


async def go_away(
    by: Person, delegate: Person, *, until: datetime, context: ReviewContext
) -> Absence:
    """From now until then the delegate decides where this person may, in place of any before.

    Raises CannotStandIn or StoreUnavailable.
    """
    now = context.clock()
    if until <= now:
        raise CannotStandIn(WhyNot.PAST)
    if until > now + LONGEST:
        raise CannotStandIn(WhyNot.TOO_FAR)
    if delegate.id == by.id:
        raise CannotStandIn(WhyNot.THEMSELVES)
    is_colleague = await context.directory.is_colleague(delegate.id)
    if not is_colleague:
        raise CannotStandIn(WhyNot.NOT_TOLD if is_colleague is None else WhyNot.NO_COLLEAGUE)
    absence = Absence(away=by, delegate=delegate, since=now, until=until)
    async with context.uow.begin() as tx:
        await tx.absences.put(absence, at=now)
    return absence


async def come_back(by: Person, *, context: ReviewContext) -> bool:
    """Nobody decides for this person any more; False if nobody did. Raises StoreUnavailable."""
    async with context.uow.begin() as tx:
        return await tx.absences.remove(by.id, at=context.clock())

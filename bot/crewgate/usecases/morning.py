"""A person's wish for a morning line."""

from dataclasses import replace

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.morning import Morning
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.ports.store import Tx


async def set_morning(
    user: str, minute: int, zone: str | None, *, context: ReviewContext
) -> Morning:
    """Have a line about waiting reviews sent to a person at this minute of each day."""
    async with context.uow.begin() as tx:
        before = await tx.mornings.find(user)
        before = before or Morning(user, minute, "UTC")
        wish = replace(before, minute=minute, zone=zone or before.zone)
        await plan(wish, tx, context)
    return wish


async def end_morning(user: str, *, context: ReviewContext) -> None:
    async with context.uow.begin() as tx:
        await tx.mornings.remove(user)


async def plan(wish: Morning, tx: Tx, context: ReviewContext) -> None:
    """Store a wish, and its next line as a job."""
    effect = Effect(kind=EffectKind.MORNING_LINE, target=wish.user_id, crew="")
    await tx.mornings.put(wish)
    await tx.expedite(effect, at=wish.following(context.clock()))

"""A person gives up a round that is stuck, or whose execution is gone."""

from __future__ import annotations

from bot.domain.errors import InvalidTransition
from bot.domain.review import Round
from bot.domain.verdict import Person
from bot.usecases.context import ReviewContext


async def dismiss(round_id: str, why: str, *, by: Person, context: ReviewContext) -> Round:
    """Close a round for good, and keep who did and why; nothing more is sent to the crew.

    Reviewers and operators may. Raises RoundNotFound, NotAReviewer, UnknownCrew, StoreUnavailable,
    or InvalidTransition when it is neither stuck nor gone.
    """
    await may_dismiss(round_id, by=by, context=context)
    now = context.clock()
    async with context.uow.begin() as tx:
        transition = (await tx.round(round_id)).dismiss(by, why.strip(), now)
        await tx.save(transition.round)
        await tx.enqueue(transition.effects, at=now)
    return transition.round


async def may_dismiss(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """The round, if this person may dismiss it now; looked at again when they do.

    Raises as `dismiss` does.
    """
    round_ = await context.uow.read.round(round_id)
    await context.ensure_reviewer_or_operator(by.id, round_.review)
    if not round_.can_dismiss:
        raise InvalidTransition(round_.state, "be dismissed")
    return round_

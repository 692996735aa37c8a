"""A person's queue: rounds that wait for them or for others, are stuck, or were decided.

Nothing in it, its totals included, is of a crew that the person may not read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.domain.people import Role
from bot.domain.review import State
from bot.usecases.context import ReviewContext
from bot.usecases.read_models import Queue, QueuePart

#: Rounds on one page, of all parts together.
PAGE = 20
#: How long a decided round stays in the queue.
TODAY = timedelta(hours=24)

_Part = Callable[[int, int], Awaitable[QueuePart]]


async def queue(user: str, *, page: int, context: ReviewContext, recheck: bool = False) -> Queue:
    """One page of a person's queue; the last page when `page` is beyond it.

    `recheck` is for when they ask for it, as in `permissions.permitting`.
    """
    mine = await context.crews_of(user, Role.REVIEWER, recheck=recheck)
    crews = await context.crews_of(user, Role.READER, recheck=recheck)
    others = tuple(name for name in crews if name not in mine)
    read = context.uow.read.rounds
    since = context.clock() - TODAY
    parts: tuple[_Part, ...] = (
        lambda offset, limit: read.in_state(State.WAITING, mine, offset=offset, limit=limit),
        lambda offset, limit: read.in_state(State.WAITING, others, offset=offset, limit=limit),
        lambda offset, limit: read.in_state(State.STUCK, crews, offset=offset, limit=limit),
        lambda offset, limit: read.decided_since(since, crews, offset=offset, limit=limit),
    )
    totals = [(await part(0, 0)).total for part in parts]
    pages = max(1, -(-sum(totals) // PAGE))
    page = max(0, min(page, pages - 1))
    begin, end = page * PAGE, (page + 1) * PAGE
    found: list[QueuePart] = []
    before = 0
    for part, total in zip(parts, totals, strict=True):
        offset = max(0, begin - before)
        limit = min(total, end - before) - offset
        found.append(await part(offset, limit) if limit > 0 else QueuePart((), total))
        before += total
    waiting, theirs, stuck, decided = found
    return Queue(waiting, theirs, stuck, decided, page, pages)

"""A person's queue: rounds that wait for them or for others, are stuck, or were decided.

All of it, its totals included, is limited to crews and rules that the person may read.
"""

from collections.abc import Collection
from datetime import timedelta
from itertools import chain

from crewgate.domain.people import Role
from crewgate.domain.review import State
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.read_models import COUNTED, NO_RULE, Queue, QueueKey, QueuePart, Selection

#: The number of rounds on one page, of all parts together.
PAGE = 20
_MOST = COUNTED + 1
#: The time that a decided round stays in the queue.
DAY = timedelta(hours=24)
_DECIDED = (State.DECIDED, State.RESUMED, State.CLOSED)


async def approved_by(
    user: str, queues: Collection[QueueKey], *, context: ReviewContext
) -> tuple[str, ...]:
    """Return the waiting rounds of these queues that a person has approved, the oldest first."""
    if all(rule_id == NO_RULE for _, rule_id in queues):
        return ()
    rules = await context.rules_in_use()
    several = [rule.key for rule in rules if rule.rule.approvals > 1 and rule.key in queues]
    return await context.uow.read.rounds.approved_by(user, several)


async def queue(
    user: str,
    *,
    page: int,
    context: ReviewContext,
    keep: Collection[str] = (),
    recheck: bool = False,
) -> Queue:
    """Return one page of a person's queue; the last page if `page` is beyond it.

    `keep` are ids of rounds to read beside it. With `recheck`, for when they press Refresh, Slack
    is asked even where memory is certain.
    """
    mine, readable, operated = await context.queues_of(
        user, Role.REVIEWER, Role.READER, Role.OPERATOR, recheck=recheck
    )
    others = tuple(key for key in readable if key not in mine)
    read = context.uow.read.rounds
    approved = await approved_by(user, mine, context=context)
    crews = {crew for crew, _ in operated}
    nobody = await read.without_approver(
        {key for key in readable if key in mine or key[0] in crews}
    )
    approved = tuple(key for key in approved if key not in nobody)
    parts: tuple[Selection | tuple[str, ...], ...] = (
        Selection(readable, (State.STUCK,)),
        nobody,
        Selection(mine, (State.WAITING,), without=(*approved, *nobody)),
        approved,
        Selection(others, (State.WAITING,), without=nobody),
        Selection(readable, _DECIDED, decided_since=context.clock() - DAY),
    )
    totals = [
        await read.count(part) if isinstance(part, Selection) else len(part) for part in parts
    ]
    pages = max(1, -(-sum(totals) // PAGE))
    page = max(0, min(page, pages - 1))
    begin, end = page * PAGE, (page + 1) * PAGE
    shown: list[tuple[str, ...]] = []
    before = 0
    for part, total in zip(parts, totals, strict=True):
        offset = max(0, begin - before)
        limit = min(total, end - before) - offset
        if limit <= 0:
            shown.append(())
        elif isinstance(part, Selection):
            shown.append(await read.first(part, offset=offset, limit=limit))
        else:
            shown.append(part[offset : offset + limit])
        before += total
    ids = dict.fromkeys((*chain(*shown), *keep))
    lines = {line.round.id: line for line in await read.lines(tuple(ids))}
    stuck, alone, waiting, counted, theirs, decided = (
        QueuePart(tuple(lines[key] for key in keys), total)
        for keys, total in zip(shown, totals, strict=True)
    )
    # What they have approved waits for others.
    theirs = QueuePart((*counted.lines, *theirs.lines), min(counted.total + theirs.total, _MOST))
    return Queue(
        waiting,
        stuck,
        alone,
        theirs,
        decided,
        page,
        pages,
        kept=tuple(lines[key] for key in keep if key in lines and lines[key].key in readable),
        reviewed=frozenset(mine),
        operated=frozenset(crews),
    )

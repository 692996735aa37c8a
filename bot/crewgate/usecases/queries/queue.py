"""A person's queue: rounds that wait for them or for others, are stuck, or were decided.

All of it, its totals included, is limited to crews and rules that the person may read.
"""

from collections.abc import Collection
from datetime import timedelta
from itertools import chain

from crewgate.domain.people import Role
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import has_room
from crewgate.domain.verdict import voices_of
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.read_models import COUNTED, NO_RULE, Queue, QueueKey, QueuePart, Selection

#: The number of rounds on one page, of all parts together.
PAGE = 20
_MOST = COUNTED + 1
#: The time that a decided round stays in the queue.
DAY = timedelta(hours=24)
_DECIDED = (State.DECIDED, State.RESUMED, State.CLOSED)


async def done_by(
    user: str, queues: Collection[QueueKey], *, context: ReviewContext
) -> tuple[str, ...]:
    """Return the waiting rounds of these queues to which a person can add no approval.

    They have approved, or the groups have enough of theirs. The oldest comes first.
    """
    if all(rule_id == NO_RULE for _, rule_id in queues):
        return ()
    rules = await context.rules_in_use()
    several = [rule.key for rule in rules if rule.rule.approvals > 1 and rule.key in queues]
    rounds = await context.uow.read.rounds.with_votes(several)
    absences = await context.uow.read.absences.find(at=context.clock(), delegate=user)
    members = context.directory.members

    def adds(round_: Round) -> bool:
        absent = {one.away.id for one in absences} if round_.may_be_delegated else set()
        needed = round_.approvals_from
        groups = tuple(group for group, _ in needed)
        if not groups or members(groups).unresolved:
            return True
        able = (
            tuple(group for group in groups if person in members((group,)).users)
            # Whoever decides because the rule has escalated counts for any group.
            or (groups if round_.escalated_at is not None else ())
            for person in {user} | absent
        )
        return any(has_room(needed, round_.votes, theirs) for theirs in able)

    return tuple(one.id for one in rounds if user in voices_of(one.votes) or not adds(one))


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
    done = await done_by(user, mine, context=context)
    crews = {crew for crew, _ in operated}
    nobody = await read.without_approver(
        {key for key in readable if key in mine or key[0] in crews}
    )
    done = tuple(key for key in done if key not in nobody)
    parts: tuple[Selection | tuple[str, ...], ...] = (
        Selection(readable, (State.STUCK,)),
        nobody,
        Selection(mine, (State.WAITING,), without=(*done, *nobody)),
        done,
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
    # To these only others can add.
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

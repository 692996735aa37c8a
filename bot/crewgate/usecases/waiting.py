"""The rounds that wait for one person: their ids, the next round, and how many are left."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from crewgate.domain.people import Anyone, ReviewerRef, Role
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import has_room, voices_of
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.ports.slack import Directory
from crewgate.usecases.read_models import COUNTED, NO_RULE_ID, QueueKey, Selection


async def done_by(
    user: str, queues: Collection[QueueKey], *, context: ReviewContext
) -> tuple[str, ...]:
    """Return the waiting rounds of these queues to which a person can add no approval.

    The person has approved already, or their groups are complete. The oldest comes first.
    """
    if all(rule_id == NO_RULE_ID for _, rule_id in queues):
        return ()
    rules = await context.rules_in_use()
    several = [rule.key for rule in rules if rule.rule.approvals > 1 and rule.key in queues]
    rounds = await context.uow.read.rounds.with_votes(several)
    absences = await context.uow.read.absences.find(at=context.clock(), delegate=user)
    return tuple(
        one.id
        for one in rounds
        if user in voices_of(one.votes)
        or not counts(one, user, away=absences, directory=context.directory)
    )


def counts(
    round_: Round,
    user: str,
    *,
    starters: Collection[str] = (),
    permitted: tuple[ReviewerRef, ...] = (),
    away: Iterable[Absence],
    directory: Directory,
) -> bool:
    """Return False if an approval by this person would surely be refused, by any right of theirs.

    `starters` may not approve, nor may delegates on their behalf. `permitted` are people with their
    own right to decide; if it is empty, the person counts as one of them. An approval is refused,
    too, if the groups that it could count for have enough approvals.
    """
    members, needed = directory.members, round_.rule.approvals_from
    rights = {one.away.id for one in away} if round_.rule.delegation else set()
    own = members(permitted)
    if permitted and not own.unresolved and Anyone() not in permitted:
        rights = (rights | {user}) & own.users
    else:
        rights.add(user)
    if user in starters or not rights - {*starters}:
        return False
    groups = tuple(group for group, _ in needed)
    if not groups or members(groups).unresolved:
        return True
    able = (
        tuple(group for group in groups if person in members((group,)).users)
        # People who decide because the rule has escalated count for any group.
        or (groups if round_.escalated_at is not None else ())
        for person in rights - {*starters}
    )
    return any(has_room(needed, round_.votes, theirs) for theirs in able)


async def waiting_for(
    by: str, context: ReviewContext, *, mine: bool = True, recheck: bool = False
) -> Selection:
    role = Role.REVIEWER if mine else Role.READER
    [theirs] = await context.queues_of(by, role, recheck=recheck)
    done = await done_by(by, theirs, context=context) if mine else ()
    return Selection(queues=theirs, states=(State.WAITING,), without=done)


async def next_for(
    by: str, *, after: str = "", since: datetime | None = None, context: ReviewContext
) -> str | None:
    """Return the id of the round that a person may decide on and that comes `after` another.

    Rounds that somebody asks them to look at come first, then all others; each the oldest first.
    `since` is the time when the walk began: later wishes do not change its order.
    """

    def is_asked(round_: Round) -> bool:
        wishes = (one for one in round_.referrals if one.to.id == by)
        return any(since is None or one.at <= since for one in wishes)

    waiting, read = await waiting_for(by, context), context.uow.read.rounds
    referred = await read.referred_to(by, waiting.queues)
    asked = [one for one in referred if is_asked(one) and one.id not in waiting.without]
    before = await context.uow.read.round(after) if after else None
    if before is None or is_asked(before):
        behind = [one for one in asked if before is None or _place(one) > _place(before)]
        if behind:
            return behind[0].id
        after = ""
    without = (*waiting.without, *(one.id for one in asked))
    waiting = replace(waiting, after=after, without=without)
    while True:
        found = next(iter(await read.first(waiting, limit=1)), None)
        if found is None or await context.uow.read.is_readable(found):
            return found
        waiting = replace(waiting, after=found)


def _place(round_: Round) -> tuple[datetime, str]:
    return round_.opened_at, round_.id


async def left_for(by: str, *, context: ReviewContext) -> tuple[int, datetime | None]:
    """Return the number of rounds that wait for a person, up to COUNTED, and a reminder's time.

    It is the next reminder about any of the first COUNTED rounds under rules that remind.
    """
    waiting, read = await waiting_for(by, context), context.uow.read
    many = await read.rounds.count(waiting)
    reminding = {rule.key for rule in await context.rules_in_use() if rule.rule.remind}
    queues = tuple(key for key in waiting.queues if key in reminding)
    if not (many and queues):
        return many, None
    ids = await read.rounds.first(replace(waiting, queues=queues), limit=COUNTED)
    return many, await read.next_reminder(ids)

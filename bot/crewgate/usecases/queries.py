"""The queue, and the overview of `/crew status`: urgent executions, running ones, and crews."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import Final

from crewgate.domain.crew import Crew
from crewgate.domain.errors import AmbiguousExecution, ExecutionNotFound
from crewgate.domain.people import Role
from crewgate.domain.review import State
from crewgate.domain.rules.rule import Rule
from crewgate.usecases import read_models
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.crew import CrewClient, CrewClients
from crewgate.usecases.ports.store import Queries
from crewgate.usecases.track import without_callers_paths
from crewgate.usecases.waiting import done_by, waiting_for

PAGE = 20
_MOST = read_models.COUNTED + 1
DAY = timedelta(hours=24)
_DECIDED = (State.DECIDED, State.RESUMED, State.CLOSED)


async def queue(
    user: str,
    *,
    page: int,
    context: ReviewContext,
    keep: Collection[str] = (),
    recheck: bool = False,
) -> read_models.Queue:
    """Return one page of a person's queue; the last page if `page` is beyond it.

    `keep` names further rounds to read. `recheck` is for Refresh: Slack is asked even if memory has
    an answer.
    """
    mine, readable, operated = await context.queues_of(
        user, Role.REVIEWER, Role.READER, Role.OPERATOR, recheck=recheck
    )
    others = tuple(key for key in readable if key not in mine)
    crews = {crew for crew, _ in operated}
    read = context.uow.read.rounds

    # Rounds that are listed by id, because no state tells them apart: those that too few people may
    # approve, rounds that this person has approved already, and those they are asked to look at.
    nobody = await read.without_approver(
        {key for key in readable if key in mine or key[0] in crews}
    )
    approved = await done_by(user, mine, context=context)
    approved = tuple(key for key in approved if key not in nobody)
    referred = [one.id for one in await read.referred_to(user, mine)]
    asked = tuple(key for key in referred if key not in {*approved, *nobody})

    # The parts of the page, in their order, each part with its own count.
    parts: tuple[read_models.Selection | tuple[str, ...], ...] = (
        read_models.Selection(queues=readable, states=(State.STUCK,)),
        nobody,
        asked,
        read_models.Selection(
            queues=mine, states=(State.WAITING,), without=(*approved, *nobody, *asked)
        ),
        approved,
        read_models.Selection(queues=others, states=(State.WAITING,), without=nobody),
        read_models.Selection(
            queues=readable, states=_DECIDED, decided_since=context.clock() - DAY
        ),
    )
    totals = [
        await read.count(part) if isinstance(part, read_models.Selection) else len(part)
        for part in parts
    ]

    # The ids on this page: of each part the ids between the page's first and last row.
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
        elif isinstance(part, read_models.Selection):
            shown.append(await read.first(part, offset=offset, limit=limit))
        else:
            shown.append(part[offset : offset + limit])
        before += total

    # The rows themselves, read in one query.
    ids = dict.fromkeys((*chain(*shown), *keep))
    lines = {line.round.id: line for line in await read.lines(tuple(ids))}
    stuck, without_approver, first, waiting, approved_by_me, of_others, decided = (
        read_models.QueuePart(tuple(rows), total - len(keys) + len(rows))
        for keys, total in zip(shown, totals, strict=True)
        # A damaged row is neither shown nor counted.
        for rows in [[lines[key] for key in keys if key in lines]]
    )
    # A round that this person approved waits for other people, so it is listed with their rounds.
    of_others = read_models.QueuePart(
        (*approved_by_me.lines, *of_others.lines),
        min(approved_by_me.total + of_others.total, _MOST),
    )
    waiting = read_models.QueuePart(
        (*first.lines, *waiting.lines), min(first.total + waiting.total, _MOST)
    )
    return read_models.Queue(
        mine=waiting,
        stuck=stuck,
        nobody=without_approver,
        others=of_others,
        decided=decided,
        page=page,
        pages=pages,
        kept=tuple(lines[key] for key in keep if key in lines and lines[key].key in readable),
        reviewed=frozenset(mine),
        operated=frozenset(crews),
        crews=frozenset(crew for crew, _ in readable) | crews,
    )


#: The most rounds or executions in one list; more would not fit into one Slack message.
LINES = 20


async def pending(by: str, *, mine: bool, context: ReviewContext) -> read_models.QueuePart:
    waiting = await waiting_for(by, context, mine=mine, recheck=True)
    read = context.uow.read.rounds
    lines = await read.lines(await read.first(waiting, limit=LINES))
    total = len(lines) if len(lines) < LINES else await read.count(waiting)
    return read_models.QueuePart(lines, total)


async def execution(
    prefix: str, *, by: str, context: ReviewContext, clients: CrewClients
) -> read_models.ExecutionStatus:
    """Return an execution that this person may read, by its id or any unambiguous beginning of it.

    Rounds that only others may read are left out.
    """
    read = context.uow.read
    crews = await context.crews_of(by, Role.READER)
    found = await read.executions.starting_with(prefix, crews=crews, limit=LINES)
    exact = [name for name in found if name[1] == prefix]
    match exact or found:
        case []:
            # Somebody with a whole id is told by `ensure` that they may not read the execution; the
            # beginning of an id must not reveal it.
            for crew in await read.executions.crews_with(prefix):
                await context.ensure(by, Role.READER, crew)
            raise ExecutionNotFound(prefix)
        case [(crew, execution_id)]:
            stored = await read.executions.find(crew, execution_id)
            assert stored is not None, "executions are never deleted"
            found_rounds = await read.rounds.of_execution(crew, execution_id, limit=LINES)
            readable = await context.readable(by, (line.round for line in found_rounds))
            rounds = tuple(line for line in found_rounds if line.round.id in readable)
            client = clients.get(crew)
            progress = await client.status(execution_id) if client else _NOT_ASKED
            progress = await without_callers_paths(progress, crew, execution_id, read)
            masking = context.crews[crew].redact
            status = read_models.ExecutionStatus(stored, rounds, progress)
            revised = (await read.executions.revised([(crew, execution_id)]))[crew, execution_id]
            return await asyncio.to_thread(
                lambda: masking.also_those_in(revised).shown(status, keep={"rounds"})
            )
        case several:
            raise AmbiguousExecution(prefix, tuple(several))


_NOT_ASKED: Final = read_models.CrewUnavailable("the settings have no url of it", answered=True)
#: The states of rounds that need somebody, the most urgent first; DECIDED: not delivered yet.
_STATES: Final = (State.STUCK, State.DECIDED, State.WAITING)


@dataclass(frozen=True, slots=True)
class CrewHealth:
    """The time that a crew took to answer; `warning` says why it did not."""

    crew: str
    took: timedelta | None
    """The time; None if the crew has no address, so that it is not asked."""
    warning: str | None
    failing: read_models.Failing | None = None
    """Decisions that the crew does not take, even if it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Executions, the urgent ones first, then the running ones, each the oldest first.

    The totals count rounds, up to COUNTED.
    """

    crews: tuple[CrewHealth, ...]
    executions: tuple[read_models.ExecutionLine, ...]
    stuck: int = 0
    waiting: int = 0
    sending: int = 0
    more: bool = False


async def overview(by: str, *, clients: CrewClients, context: ReviewContext) -> Overview:
    """Return the crews that this person may read, pinged at once, and their executions."""
    [readable] = await context.queues_of(by, Role.READER, recheck=True)
    crews = tuple(crew for crew, rule in readable if rule == read_models.NO_RULE_ID)
    found = await _executions(readable, crews, context.uow.read)
    health = await asyncio.gather(
        *(_ping(name, clients.get(name), context.clock) for name in context.crews if name in crews)
    )
    sending = (
        line.round.id
        for one in found.executions
        for line in one.rounds
        if line.round.state is State.DECIDED
    )
    failing = await context.uow.read.failing(tuple(sending))
    return replace(
        found, crews=tuple(replace(one, failing=failing.get(one.crew)) for one in health)
    )


async def _executions(
    readable: tuple[read_models.QueueKey, ...], crews: tuple[str, ...], read: Queries
) -> Overview:
    ids: list[str] = []
    totals: list[int] = []
    for state in _STATES:
        selection = read_models.Selection(queues=readable, states=(state,))
        some = await read.rounds.first(selection, limit=LINES)
        totals.append(len(some) if len(some) < LINES else await read.rounds.count(selection))
        ids += some
    listed = await _listed(tuple(ids[:LINES]), read)
    more = sum(totals) > LINES
    if not more:
        # All urgent executions are listed; the places left are for those that just run.
        running = await read.executions.running(crews=crews, limit=len(listed) + LINES + 1)
        known = {_key(line.posting) for line in listed}
        rest = [read_models.ExecutionLine(one) for one in running if _key(one) not in known]
        more = len(listed) + len(rest) > LINES
        listed = (*listed, *rest)[:LINES]
    stuck, sending, waiting = totals
    return Overview(
        crews=(), executions=listed, stuck=stuck, waiting=waiting, sending=sending, more=more
    )


async def _listed(ids: tuple[str, ...], read: Queries) -> tuple[read_models.ExecutionLine, ...]:
    rounds: dict[tuple[str, str], list[read_models.RoundLine]] = {}
    for line in await read.rounds.lines(ids):
        review = line.round.review
        rounds.setdefault((review.crew, review.execution_id), []).append(line)
    found = {_key(one): one for one in await read.executions.postings(tuple(rounds))}
    return tuple(
        read_models.ExecutionLine(found[key], tuple(lines))
        for key, lines in rounds.items()
        if key in found
    )


def _key(posting: read_models.ExecutionPosting) -> tuple[str, str]:
    return posting.execution.crew, posting.execution.execution_id


async def _ping(name: str, client: CrewClient | None, clock: Clock) -> CrewHealth:
    if client is None:
        return CrewHealth(name, None, None)
    began = clock()
    unavailable = await client.ping()
    return CrewHealth(name, clock() - began, unavailable.why if unavailable else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewRules:
    """The rules of one crew that concern a person."""

    crew: Crew
    rules: tuple[tuple[int, Rule], ...]
    """The rules, each with its place in the order of evaluation, from 1."""
    otherwise: bool


async def rules_of(user: str, *, context: ReviewContext) -> tuple[CrewRules, ...]:
    """Return the rules under which a person may decide, perhaps only after escalation.

    Delegates get the rules of absent people too. A person who decides by the crew's own settings
    gets all its rules: the settings apply to all other rounds.
    """
    numbered = {name: tuple(enumerate(crew.rules, start=1)) for name, crew in context.crews.items()}
    applied = [
        read_models.StoredRule(str(number), name, rule, escalated=True)
        for name, rules in numbered.items()
        for number, rule in rules
    ]
    [keys] = await context.queues_of(user, Role.REVIEWER, recheck=True, rules=applied)
    found = []
    for name, crew in context.crews.items():
        otherwise = (name, read_models.NO_RULE_ID) in keys
        theirs = tuple(
            (number, rule)
            for number, rule in numbered[name]
            if otherwise or (name, str(number)) in keys
        )
        if theirs or otherwise:
            found.append(CrewRules(crew=crew, rules=theirs, otherwise=otherwise))
    return tuple(found)

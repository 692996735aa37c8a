"""Numbers about the reviews that a person may read, beside the numbers of the span before."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from crewgate.domain.audit import Code, Entry
from crewgate.domain.people import Role
from crewgate.domain.stats import AFTER, MANY, SHARE, Decided, Stats, sample, stats_of
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.read_models import NO_RULE_ID


async def stats(by: str, *, crew: str | None, days: int, context: ReviewContext) -> Stats:
    rules, operated = await permitted(by, crew, context)
    return await _count(rules, by, operated, days, context)


async def of_crew(crew: str, *, days: int, context: ReviewContext) -> Stats:
    rules = [NO_RULE_ID, *(rule.id for rule in await context.uow.read.rules((crew,)))]
    return await _count({crew: rules}, "", (), days, context)


async def decisions(
    by: str, *, crew: str | None, days: int, context: ReviewContext
) -> AsyncIterator[Decided]:
    """Yield the decisions that `stats` counts, unordered; operators alone get other people's names.

    The audit trail gets an entry first. Raises UnknownCrew, NotAReader or StoreUnavailable.
    """
    rules, operated = await permitted(by, crew, context)
    data = {"crews": sorted(rules), "days": days, "names_of": sorted(operated)}
    async with context.uow.begin() as tx:
        tx.audit.add(Entry(Code.LISTED, by, data))
    since = context.clock() - timedelta(days=days)
    async for one in context.uow.read.stats.decisions(rules, since=since):
        is_seen = one.decided_by == by or one.crew in operated
        found = replace(one, task=context.crews[one.crew].redact.text(one.task))
        yield found if is_seen else replace(found, decided_by="", name="")


async def _count(
    rules: Mapping[str, Sequence[str]],
    user: str,
    operated: Collection[str],
    days: int,
    context: ReviewContext,
) -> Stats:
    now, span = context.clock(), timedelta(days=days)
    read = context.uow.read.stats
    found = stats_of(
        await read.tallies(rules, before=now - 2 * span, since=now - span),
        await read.waiting(rules),
        crews=rules,
        user=user,
        operated=operated,
        days=days,
        at=now,
    )
    if len(found.crews) > 1 or found.team.now.decided < MANY:
        return found
    verdicted = await read.verdicted(rules, since=now - span, limit=1_000)
    return replace(found, sampled=sample(verdicted, SHARE, after=AFTER))


async def permitted(
    by: str, crew: str | None, context: ReviewContext
) -> tuple[dict[str, list[str]], frozenset[str]]:
    ever = await context.uow.read.rules(context.crews)
    readable, operated = await context.queues_of(
        by, Role.READER, Role.OPERATOR, recheck=True, rules=ever
    )
    rules: dict[str, list[str]] = {}
    for name, rule_id in readable:
        if crew is None or name == crew:
            rules.setdefault(name, []).append(rule_id)
    if crew is not None and crew not in rules:
        await context.ensure(by, Role.READER, crew)
    return rules, frozenset(name for name, _ in operated)

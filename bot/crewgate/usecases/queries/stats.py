"""Numbers about the reviews that a person may read, beside those of the same span before."""

from __future__ import annotations

from datetime import timedelta

from crewgate.domain.people import Role
from crewgate.domain.stats import Stats, stats_of
from crewgate.usecases.context import ReviewContext


async def stats(by: str, *, crew: str | None, days: int, context: ReviewContext) -> Stats:
    """Return the numbers of the last days, of one crew or of all that the person may read.

    Raises UnknownCrew or NotAReader.
    """
    readable, operated = await context.queues_of(by, Role.READER, Role.OPERATOR, recheck=True)
    rules: dict[str, list[str]] = {}
    for name, rule_id in readable:
        if crew is None or name == crew:
            rules.setdefault(name, []).append(rule_id)
    if crew is not None and crew not in rules:
        await context.ensure(by, Role.READER, crew)
    now, span = context.clock(), timedelta(days=days)
    read = context.uow.read.stats
    tallies = await read.tallies(rules, before=now - 2 * span, since=now - span)
    return stats_of(
        tallies,
        await read.waiting(rules),
        crews=rules,
        user=by,
        operated={name for name, _ in operated},
        days=days,
        at=now,
    )

"""Numbers about reviews: how long people took, what came of it, and what that says to do.

The database counts decisions that are alike, each count a `Tally`; all else is made of these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from math import ceil
from typing import Final

from crewgate.domain.review import Round
from crewgate.domain.verdict import Person, Revise, Via

#: Days that can be asked about.
SPANS: Final = (7, 30, 90)
#: An approval is hasty if the text had less time for each of its characters: people read half as
#: fast (238 words a minute: Brysbaert 2019, https://doi.org/10.1016/j.jml.2019.104047).
PER_CHARACTER: Final = timedelta(milliseconds=20)
#: Texts of so many characters are read at a glance.
SHORT: Final = 200
#: Fewer of them say nothing about a habit.
ENOUGH: Final = 5
#: Percentages that stand out.
OFTEN: Final = 10
MOST: Final = 50
NEARLY_ALL: Final = 80
#: The most observations that are made.
OBSERVATIONS: Final = 3
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)


def waited_seconds(round_: Round) -> int | None:
    """Return how long a decided round waited, in working hours where its rule has them."""
    if round_.decision is None:
        return None
    hours = round_.rule and round_.rule.working_hours
    start, end = round_.opened_at, round_.decision.at
    waited = hours.between(start, end) if hours else end - start
    return max(0, waited // _SECOND)


def is_on_target(round_: Round) -> bool | None:
    """Return True if a round was decided as soon as its rule wants; None without such a wish."""
    rule = round_.rule
    if round_.decision is None or rule is None or rule.target is None:
        return None
    return round_.decision.at <= rule.target.after(round_.opened_at, rule.working_hours)


def made_in_seconds(round_: Round, others: Iterable[Round]) -> int | None:
    """Return how long the crew took from a revision to this round, if that is among the others."""
    for one in others:
        if (one.review.id, one.number + 1) == (round_.review.id, round_.number):
            asked = one.decision
            if asked is not None and isinstance(asked.verdict, Revise):
                return max(0, (round_.opened_at - asked.at) // _SECOND)
    return None


def next_digest(now: datetime) -> datetime:
    """Return the next Monday at 8:00 UTC."""
    this_week = now.astimezone(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
    monday = this_week - this_week.weekday() * _DAY
    return monday if monday > now else monday + 7 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one person, or a crew's rules, decided of the reviews of one crew in one span."""

    crew: str
    earlier: bool
    """It is the span before."""
    by: str
    """The person's id; empty for rules."""
    name: str
    count: int
    approved: int
    revised: int
    """Answers to a flow are neither."""
    first: int
    """Approvals and revisions of the first round of a review."""
    at_once: int
    """Those of them that approve."""
    rounds: int
    """The sum of the numbers of approved rounds."""
    hasty: int
    """Approvals that came faster than the text can be read."""
    targeted: int
    """Decisions of which the rule says how soon it is wanted."""
    on_target: int
    waited: Sequence[int]
    """The minutes that each round waited."""
    made_in: Sequence[int]
    """The minutes that the crew took for each round that followed a revision."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The rounds of a crew that wait now."""

    crew: str
    count: int
    since: datetime
    """The oldest one's beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision: who, what, when, and how long it took. No text of it."""

    crew: str
    execution_id: str
    task_id: str
    round: int
    opened_at: datetime
    decided_at: datetime
    is_approve: bool | None
    """None: an answer to a flow."""
    by: Person
    """The id is empty for a rule."""
    via: Via
    waited: timedelta
    is_on_target: bool | None


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole."""

    part: int
    whole: int

    @property
    def percent(self) -> int:
        """Never rounded up: 100 is all. Of an empty whole it is 0."""
        return 100 * self.part // max(1, self.whole)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one span. All but `by_rule` and `made_in` are of what people decided."""

    decided: int
    by_rule: int
    approved: int
    revised: int
    at_once: Share
    """First outputs that were approved, of all first outputs."""
    rounds: float | None
    """The rounds until an output was approved, on average."""
    median: timedelta | None
    """How long half of the reviews waited at most."""
    most: timedelta | None
    """The same for nine of ten."""
    on_target: Share
    hasty: Share
    """Of all approvals."""
    made_in: timedelta | None
    """The median time that crews took from a revision to their next output."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The numbers of a span, beside those of the same span before."""

    now: Figures
    before: Figures


def quantile(minutes: Iterable[int], share: float) -> timedelta | None:
    """Return the least of these that so large a share does not exceed; None without any."""
    ordered = sorted(minutes)
    if not ordered:
        return None
    return timedelta(minutes=ordered[max(0, ceil(share * len(ordered)) - 1)])


def figures(tallies: Iterable[Tally]) -> Figures:
    """Return the numbers of these tallies."""
    every = [*tallies]
    people = [one for one in every if one.by]

    def total(field: str) -> int:
        return sum(getattr(one, field) for one in people)

    waited = sorted(chain.from_iterable(one.waited for one in people))
    approved = total("approved")
    return Figures(
        decided=total("count"),
        by_rule=sum(one.count for one in every if not one.by),
        approved=approved,
        revised=total("revised"),
        at_once=Share(total("at_once"), total("first")),
        rounds=total("rounds") / approved if approved else None,
        median=quantile(waited, 0.5),
        most=quantile(waited, 0.9),
        on_target=Share(total("on_target"), total("targeted")),
        hasty=Share(total("hasty"), approved),
        made_in=quantile(chain.from_iterable(one.made_in for one in every), 0.5),
    )


def compared(tallies: Iterable[Tally]) -> Compared:
    """Return the numbers of both spans."""
    every = [*tallies]
    return Compared(
        figures(one for one in every if not one.earlier),
        figures(one for one in every if one.earlier),
    )


@dataclass(frozen=True, slots=True)
class CrewStats:
    """One crew's numbers."""

    crew: str
    figures: Compared
    waiting: Waiting | None
    deciders: tuple[int, ...] = ()
    """The decisions of each person in the span, the most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What one person may see of a span."""

    days: int
    at: datetime
    """The end of the span."""
    crews: tuple[CrewStats, ...]
    """The crews asked about; those with the most decisions first."""
    team: Compared
    mine: Compared | None
    """The person's own numbers; None if they decided nothing in either span."""
    people: tuple[tuple[Person, Figures], ...]
    """The people who decided for crews that the person operates, those who decided most first."""
    observations: tuple[Observation, ...] = ()

    @property
    def waiting(self) -> Waiting | None:
        """All that waits; None if nothing does. It names no crew."""
        found = [one.waiting for one in self.crews if one.waiting is not None]
        if not found:
            return None
        return Waiting("", sum(one.count for one in found), min(one.since for one in found))


def stats_of(
    tallies: Sequence[Tally],
    waiting: Iterable[Waiting],
    *,
    crews: Iterable[str],
    user: str,
    operated: Collection[str],
    days: int,
    at: datetime,
) -> Stats:
    """Return what a person who operates some of these crews sees of what was counted."""
    waits = {one.crew: one for one in waiting}
    each = [
        _crew_stats(name, [one for one in tallies if one.crew == name], waits.get(name))
        for name in crews
    ]
    each.sort(key=lambda one: (-one.figures.now.decided, one.crew))
    mine = [one for one in tallies if one.by == user]
    by_person: dict[str, list[Tally]] = {}
    for one in tallies:
        if one.by and one.crew in operated and not one.earlier:
            by_person.setdefault(one.by, []).append(one)
    people = [(Person(by, some[0].name), figures(some)) for by, some in by_person.items()]
    return Stats(
        days=days,
        at=at,
        crews=tuple(each),
        team=compared(tallies),
        mine=compared(mine) if mine else None,
        people=tuple(sorted(people, key=lambda one: (-one[1].decided, one[0].id))),
        observations=observe(each, at=at),
    )


def _crew_stats(crew: str, tallies: Sequence[Tally], waiting: Waiting | None) -> CrewStats:
    deciders = [one.count for one in tallies if one.by and not one.earlier]
    return CrewStats(crew, compared(tallies), waiting, tuple(sorted(deciders, reverse=True)))


# --- observations ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WaitsLong:
    """Reviews of a crew wait much longer than they usually do."""

    waiting: Waiting
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Slower:
    """A crew's reviews wait half as long again as before, or longer."""

    crew: str
    now: timedelta
    before: timedelta


@dataclass(frozen=True, slots=True)
class Hasty:
    """Approvals of a crew often come faster than the text can be read."""

    crew: str
    share: Share


@dataclass(frozen=True, slots=True)
class OffTarget:
    """Decisions for a crew often come later than its rules want."""

    crew: str
    share: Share
    """Those within the target."""


@dataclass(frozen=True, slots=True)
class ByRules:
    """A crew's rules often decide, as nobody did in time."""

    crew: str
    share: Share


@dataclass(frozen=True, slots=True)
class FewPeople:
    """A few people decide nearly all for a crew."""

    crew: str
    people: int
    share: Share


@dataclass(frozen=True, slots=True)
class SentBack:
    """Most first outputs of a crew are sent back."""

    crew: str
    share: Share


Observation = WaitsLong | Slower | Hasty | OffTarget | ByRules | FewPeople | SentBack


def observe(crews: Sequence[CrewStats], *, at: datetime) -> tuple[Observation, ...]:
    """Return what somebody should look at, the most pressing first.

    Of each kind there is one at most, about the first crew that it holds for.
    """
    found: list[Observation] = []
    for look in (_waits_long, _slower, _hasty, _off_target, _by_rules, _few_people, _sent_back):
        seen = (look(one, at) for one in crews)
        found += islice((one for one in seen if one is not None), 1)
    return tuple(found[:OBSERVATIONS])


def _waits_long(one: CrewStats, at: datetime) -> WaitsLong | None:
    if one.waiting is None:
        return None
    waited = at - one.waiting.since
    usual = one.figures.now.most or timedelta()
    return WaitsLong(one.waiting, waited) if waited > max(_DAY, 2 * usual) else None


def _slower(one: CrewStats, _at: datetime) -> Slower | None:
    now, before = one.figures.now, one.figures.before
    if now.median is None or before.median is None or min(now.decided, before.decided) < ENOUGH:
        return None
    much = max(before.median * 3 / 2, before.median + timedelta(minutes=10))
    return Slower(one.crew, now.median, before.median) if now.median >= much else None


def _hasty(one: CrewStats, _at: datetime) -> Hasty | None:
    share = one.figures.now.hasty
    return Hasty(one.crew, share) if share.part >= ENOUGH and share.percent >= OFTEN else None


def _off_target(one: CrewStats, _at: datetime) -> OffTarget | None:
    share = one.figures.now.on_target
    return (
        OffTarget(one.crew, share) if share.whole >= ENOUGH and share.percent < NEARLY_ALL else None
    )


def _by_rules(one: CrewStats, _at: datetime) -> ByRules | None:
    now = one.figures.now
    share = Share(now.by_rule, now.by_rule + now.decided)
    return ByRules(one.crew, share) if share.whole >= ENOUGH and share.percent >= OFTEN else None


def _few_people(one: CrewStats, _at: datetime) -> FewPeople | None:
    decided = one.figures.now.decided
    for people in range(1, min(3, len(one.deciders)) + 1):
        share = Share(sum(one.deciders[:people]), decided)
        are_few = people == 1 or people < len(one.deciders)
        if decided >= 4 * ENOUGH and share.percent >= NEARLY_ALL and are_few:
            return FewPeople(one.crew, people, share)
    return None


def _sent_back(one: CrewStats, _at: datetime) -> SentBack | None:
    first = one.figures.now.at_once
    share = Share(first.whole - first.part, first.whole)
    return SentBack(one.crew, share) if share.whole >= ENOUGH and share.percent > MOST else None

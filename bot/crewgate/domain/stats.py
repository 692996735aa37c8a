"""Numbers about reviews: people's times, the outcomes, and observations on both.

The database counts similar decisions, each count a `Tally`; all else is computed from these.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from itertools import chain
from math import ceil, exp, lgamma, log, log1p
from typing import Final, NamedTuple

from crewgate.domain.review import Round
from crewgate.domain.verdict import Revise

SPANS: Final = (7, 30, 90)
SHORT: Final = 200
ENOUGH: Final = 5
OFTEN: Final = 10
MOST: Final = 50
NEARLY_ALL: Final = 80
OBSERVATIONS: Final = 3
#: From MANY decisions on, a crew is told what it would have missed by reading a sample: the first
#: AFTER rounds of each task, and then SHARE of the others.
MANY: Final = 50
SHARE: Final = Fraction(1, 5)
AFTER: Final = 30
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)


def waited_seconds(round_: Round) -> int | None:
    if round_.decision is None:
        return None
    hours = round_.rule.working_hours
    start, end = round_.opened_at, round_.decision.at
    waited = hours.between(start, end) if hours else end - start
    return max(0, waited // _SECOND)


def is_on_target(round_: Round) -> bool | None:
    """Return True if the round was decided by its rule's `target`; None without such a target."""
    rule = round_.rule
    if round_.decision is None or rule.target is None:
        return None
    return round_.decision.at <= rule.target.after(round_.opened_at, rule.working_hours)


def made_in_seconds(round_: Round, others: Iterable[Round]) -> int | None:
    """Return the seconds since the revision of the round before, one of `others`; else None."""
    for one in others:
        is_before = (one.review.id, one.number + 1) == (round_.review.id, round_.number)
        if is_before and one.decision and isinstance(one.decision.verdict, Revise):
            return max(0, (round_.opened_at - one.decision.at) // _SECOND)
    return None


def next_digest(now: datetime) -> datetime:
    this_week = now.astimezone(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
    monday = this_week - this_week.weekday() * _DAY
    return monday if monday > now else monday + 7 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The decisions of one person, or of a crew's rules, on one crew's reviews in one span."""

    crew: str
    earlier: bool
    """True for the span before the requested span."""
    by: str
    """The person's id; empty for rules."""
    count: int
    approved: int
    revised: int
    """Revisions; answers to a flow count neither here nor as approvals."""
    first: int
    """Decisions on the first round of a review, without answers."""
    at_once: int
    rounds: int
    """The numbers of the approved rounds, summed."""
    hasty: int
    targeted: int
    """Decisions whose rule has a `target`."""
    on_target: int
    waited: Sequence[int]
    """Waiting times in minutes, one per round."""
    acts_allowed: int = 0
    """Allowed calls of tools; all other numbers leave calls out."""
    acts_refused: int = 0
    made_in: Sequence[int]
    """The crew's minutes for each round that followed a revision."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The rounds of a crew that wait now."""

    crew: str
    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision: its author, outcome and times, without any text."""

    crew: str
    execution: str
    task: str
    round: int
    opened_at: datetime
    decided_at: datetime
    verdict: str
    decided_by: str
    name: str
    through: str
    waited_seconds: int
    within_target: bool | None
    is_call: bool
    """True for a decision on a call of a tool."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole."""

    part: int
    whole: int

    @property
    def percent(self) -> int:
        """The percentage, rounded down, so that 100 means all; 0 if the whole is empty."""
        return 100 * self.part // max(1, self.whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers of one span; all but `by_rule` and `made_in` count people's decisions only."""

    decided: int
    by_rule: int
    approved: int
    revised: int
    at_once: Share
    rounds: float | None
    median: timedelta | None
    most: timedelta | None
    """Nine of ten reviews waited for no longer than this."""
    on_target: Share
    hasty: Share
    made_in: timedelta | None
    """The median time that crews took from a revision to their next output."""
    acts_allowed: int = 0
    """Allowed calls of tools, by people or rules; other numbers leave calls out."""
    acts_refused: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """The numbers of a span, and of the span before it."""

    now: Figures
    before: Figures


def quantile(minutes: Iterable[int], share: float) -> timedelta | None:
    """Return the least of the values that this share of them do not exceed; None without any."""
    ordered = sorted(minutes)
    if not ordered:
        return None
    return timedelta(minutes=ordered[max(0, ceil(share * len(ordered)) - 1)])


def figures(tallies: Iterable[Tally]) -> Figures:
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
        acts_allowed=sum(one.acts_allowed for one in every),
        acts_refused=sum(one.acts_refused for one in every),
        made_in=quantile(chain.from_iterable(one.made_in for one in every), 0.5),
    )


def compared(tallies: Collection[Tally]) -> Compared:
    return Compared(
        figures(one for one in tallies if not one.earlier),
        figures(one for one in tallies if one.earlier),
    )


class DecidedRound(NamedTuple):
    """A round that a person decided; an approval of the person's own text counts as sent back."""

    at: datetime
    id: str
    task: str
    sent_back: bool


@dataclass(frozen=True, slots=True)
class Sampled:
    """The rounds that a sample would have read, and what was sent back of the others."""

    rounds: int
    read: int
    sent_back: Share

    @property
    def at_most(self) -> int:
        """The most unread rounds in 100 that would be sent back, at a confidence of 95 %."""
        return ceil(100 * upper_bound(self.sent_back) - 1e-9)


def sample(rounds: Iterable[DecidedRound], share: Fraction, *, after: int) -> Sampled:
    """Sample the first `after` rounds of each task, and a share of the rest by the id's hash."""
    seen: Counter[str] = Counter()
    others = []
    for one in sorted(rounds):
        seen[one.task] += 1
        number = int.from_bytes(sha256(one.id.encode()).digest())
        if seen[one.task] > after and number >= share * 2**256:
            others.append(one.sent_back)
    total = seen.total()
    return Sampled(total, total - len(others), Share(sum(others), len(others)))


def upper_bound(share: Share) -> float:
    """Return the upper end of Clopper and Pearson's one-sided 95 % interval; for 0, about 3 / n.

    https://www.itl.nist.gov/div898/handbook/prc/section2/prc241.htm
    """
    part, whole = share.part, share.whole
    low, high = part / max(1, whole), 1.0
    ways = [lgamma(whole + 1) - lgamma(n + 1) - lgamma(whole - n + 1) for n in range(part + 1)]
    for _ in range(50 if part < whole else 0):
        middle = (low + high) / 2
        hit, miss = log(middle), log1p(-middle)
        chance = sum(exp(way + n * hit + (whole - n) * miss) for n, way in enumerate(ways))
        low, high = (middle, high) if chance > 0.05 else (low, middle)  # noqa: PLR2004
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewStats:
    """One crew's numbers."""

    crew: str
    figures: Compared
    waiting: Waiting | None
    deciders: tuple[int, ...] = ()
    """The decisions of each person, the highest count first."""


class Kind(StrEnum):
    """The kinds of observations, the most pressing first."""

    WAITS_LONG = "waits_long"
    SLOWER = "slower"
    HASTY = "hasty"
    OFF_TARGET = "off_target"
    BY_RULES = "by_rules"
    FEW_PEOPLE = "few_people"
    SENT_BACK = "sent_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A striking fact about the reviews of a crew, with the numbers of its kind."""

    kind: Kind
    crew: str
    share: Share = Share(0, 0)
    took: timedelta = timedelta()
    before: timedelta = timedelta()
    people: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The numbers of a span that one person may see."""

    days: int
    crews: tuple[CrewStats, ...]
    """The requested crews; crews with the most decisions come first."""
    team: Compared
    mine: Compared | None
    people: tuple[tuple[str, Figures], ...]
    """Other people's decisions for crews that the person operates, the most decisions first."""
    observations: tuple[Observation, ...] = ()
    sampled: Sampled | None = None

    @property
    def waiting(self) -> Waiting | None:
        found = [one.waiting for one in self.crews if one.waiting is not None]
        count = sum(one.count for one in found)
        return Waiting("", count, min(one.since for one in found)) if found else None


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
    waits = {one.crew: one for one in waiting}
    each = []
    for crew in crews:
        own = [one for one in tallies if one.crew == crew]
        by_people = (one.count for one in own if one.by and not one.earlier)
        deciders = sorted(filter(None, by_people), reverse=True)
        each.append(
            CrewStats(
                crew=crew, figures=compared(own), waiting=waits.get(crew), deciders=tuple(deciders)
            )
        )
    each.sort(key=lambda one: (-one.figures.now.decided, one.crew))
    mine = [one for one in tallies if one.by == user]
    by_person: dict[str, list[Tally]] = {}
    for one in tallies:
        if one.by not in ("", user) and one.crew in operated and not one.earlier:
            by_person.setdefault(one.by, []).append(one)
    people = [(by, figures(some)) for by, some in by_person.items()]
    return Stats(
        days=days,
        crews=tuple(each),
        team=compared(tallies),
        mine=compared(mine) if mine else None,
        people=tuple(sorted(people, key=lambda one: (-one[1].decided, one[0]))),
        observations=observe(each, at=at),
    )


# --- observations ---------------------------------------------------------------------------------


def observe(crews: Iterable[CrewStats], *, at: datetime) -> tuple[Observation, ...]:
    first: dict[Kind, Observation] = {}
    for seen in chain.from_iterable(_stands_out(one, at) for one in crews):
        first.setdefault(seen.kind, seen)
    return tuple(first[kind] for kind in Kind if kind in first)[:OBSERVATIONS]


def _stands_out(one: CrewStats, at: datetime) -> Iterator[Observation]:
    crew, now, before, waiting = one.crew, one.figures.now, one.figures.before, one.waiting
    if waiting is not None and at - waiting.since > max(_DAY, 2 * (now.most or timedelta())):
        share = Share(waiting.count, waiting.count)
        yield Observation(kind=Kind.WAITS_LONG, crew=crew, share=share, took=at - waiting.since)
    took, usual = now.median or timedelta(), before.median or timedelta()
    much = max(usual * 3 / 2, usual + timedelta(minutes=10))
    if min(now.decided, before.decided) >= ENOUGH and took >= much:
        yield Observation(kind=Kind.SLOWER, crew=crew, took=took, before=usual)
    if now.hasty.part >= ENOUGH and now.hasty.percent >= OFTEN:
        yield Observation(kind=Kind.HASTY, crew=crew, share=now.hasty)
    if now.on_target.whole >= ENOUGH and now.on_target.percent < NEARLY_ALL:
        yield Observation(kind=Kind.OFF_TARGET, crew=crew, share=now.on_target)
    by_rules = Share(now.by_rule, now.by_rule + now.decided)
    if by_rules.whole >= ENOUGH and by_rules.percent >= OFTEN:
        yield Observation(kind=Kind.BY_RULES, crew=crew, share=by_rules)
    for people in (1, 2, 3):
        share = Share(sum(one.deciders[:people]), now.decided)
        are_few = people == 1 or people < len(one.deciders)
        if now.decided >= 4 * ENOUGH and share.percent >= NEARLY_ALL and are_few:
            yield Observation(kind=Kind.FEW_PEOPLE, crew=crew, share=share, people=people)
    sent_back = Share(now.at_once.whole - now.at_once.part, now.at_once.whole)
    if sent_back.whole >= ENOUGH and sent_back.percent > MOST:
        yield Observation(kind=Kind.SENT_BACK, crew=crew, share=sent_back)

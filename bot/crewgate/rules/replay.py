"""The effect of today's rules on a round that was opened before: pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from heapq import heappush, heappushpop
from typing import Final, TypeVar

from crewgate.check.rules import Known
from crewgate.domain.answering import rule_for
from crewgate.domain.crew import Crew
from crewgate.domain.people import ReviewerRef, Role, User
from crewgate.domain.review import Round
from crewgate.domain.rules.choose import could_apply, strictest
from crewgate.domain.rules.rule import WITH_REVIEWERS, Rule, most_approvals
from crewgate.store.replay import StoredRound

T = TypeVar("T")

#: So many rounds are named of those that would go the same other way: the newest.
EXAMPLES: Final = 3
#: What is told apart from the rest of a rule.
_TOLD: Final = frozenset({"name", "when", "channel", "reviewers", "approvals", "naming"})
#: A round under no rule is one under a rule that says nothing.
_NO_RULE: Final = Rule(name="")


@dataclass(frozen=True, slots=True)
class TooFew:
    """Not enough people who may approve."""

    people: int
    needed: int


@dataclass(frozen=True, slots=True)
class UnknownStarter:
    """Nobody knows who started it, and the rule lets nobody approve then."""


Obstacle = TooFew | UnknownStarter
"""The reason why a round could not be approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The difference that the rules make; equal for rounds that would go the same other way."""

    was: str
    """The rule's name; empty for none."""
    now: str
    channels: tuple[str, str] | None = None
    """The channel of its card, then and now; None: the same one. The fields below are alike."""
    approvals: tuple[int, int] | None = None
    reviewers: tuple[tuple[ReviewerRef, ...], tuple[ReviewerRef, ...]] | None = None
    keys: tuple[str, ...] = ()
    """The other keys of the rule that differ."""
    obstacle: Obstacle | None = None
    unsure: bool = False
    """It cannot be told which rule matches first: `now` is the strictest of those that may."""

    @property
    def is_none(self) -> bool:
        """True if it would go as it went."""
        return self == Change(was=self.was, now=self.was, unsure=self.unsure)


def replay(stored: StoredRound, crew: Crew, known: Known) -> Change:
    """Hold a round against the crew's rules as they are now.

    What its own rule left out is taken from the crew as it is now, too.
    """
    possible = could_apply(crew.rules, stored.facts)
    before = stored.round.rule or _NO_RULE
    after = _rule_now(stored, crew, strictest(possible)) or _NO_RULE
    if after.reviewers_from is not None and after.reviewers_from == before.reviewers_from:
        # It would name the same person again.
        named = before if before.naming in WITH_REVIEWERS else after
        after = replace(after, naming=before.naming, reviewers=named.reviewers)
    was, now = crew.under(before), crew.under(after)
    return Change(
        was=before.name,
        now=after.name,
        channels=_unless_same(was.channel, now.channel),
        approvals=_unless_same(before.approvals, after.approvals),
        reviewers=_unless_same(was.permitted(Role.REVIEWER), now.permitted(Role.REVIEWER)),
        keys=tuple(
            one.name
            for one in fields(Rule)
            if one.name not in _TOLD and getattr(before, one.name) != getattr(after, one.name)
        ),
        obstacle=_obstacle(after, crew, stored, known),
        unsure=len(possible) > 1,
    )


def _rule_now(stored: StoredRound, crew: Crew, chosen: Rule | None) -> Rule | None:
    question = stored.round.question
    if question is None:
        return chosen
    return rule_for(question, chosen, reviewers=bool(crew.reviewers))


def _unless_same(was: T, now: T) -> tuple[T, T] | None:
    return None if was == now else (was, now)


def _obstacle(rule: Rule, crew: Crew, stored: StoredRound, known: Known) -> Obstacle | None:
    """The reason why nobody could approve it, if that is sure."""
    starter = frozenset() if rule.self_approval else _starter(stored, known)
    if not (starter or rule.self_approval or rule.unknown_starter):
        return UnknownStarter()
    named = crew.under(rule, escalated=True).permitted(Role.REVIEWER)
    people = _people(named, known)
    if people is None:
        return None
    able = most_approvals(rule, people - starter, known.__getitem__)
    return None if able >= rule.approvals else TooFew(able, rule.approvals)


def _people(named: Iterable[ReviewerRef], known: Known) -> frozenset[str] | None:
    """Their user ids; None if Slack did not tell all of them."""
    found: set[str] = set()
    for ref in named:
        if ref in known:
            found |= known[ref]
        elif isinstance(ref, User):
            found.add(ref.id)
        else:
            return None
    return frozenset(found)


def _starter(stored: StoredRound, known: Known) -> frozenset[str]:
    """The accounts of the starters; an address is told where the settings name it too."""
    each = ({one.id} if isinstance(one, User) else known.get(one, ()) for one in stored.starters)
    return frozenset[str]().union(*each)


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """A round that is named, without its output."""

    opened_at: datetime
    id: str
    title: str
    number: int
    execution_id: str


@dataclass(slots=True)
class Group:
    """Rounds that would go the same way: how many, and the newest of them."""

    count: int = 0
    _newest: list[Example] = field(default_factory=list)

    def add(self, round_: Round) -> None:
        """Count one; no more than EXAMPLES are kept."""
        self.count += 1
        review = round_.review
        one = Example(round_.opened_at, round_.id, review.title, round_.number, review.execution_id)
        if len(self._newest) < EXAMPLES:
            heappush(self._newest, one)
        else:
            heappushpop(self._newest, one)

    @property
    def newest(self) -> tuple[Example, ...]:
        return tuple(sorted(self._newest, reverse=True))

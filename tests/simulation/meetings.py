"""The steps that met in one story, and the pairs of steps that never did."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Final

from crewgate.domain.review import Review, Round
from crewgate.usecases.read_models import RoundLine
from tests.simulation.known import Request
from tests.simulation.product import FLOWS, LEGAL, TASKS, TOOLS
from tests.usecases.simulated_crew import Branch

Execution = tuple[str, str]
"""A crew, and the id of one of its executions."""
Pair = tuple[str, str]
ENOUGH: Final = 500
"""After so many stories each pair should have met."""
RAREST: Final = 5


@dataclass
class Met:
    """The steps of one story, each with the executions that it was about."""

    steps: list[tuple[str, frozenset[Execution]]] = field(default_factory=list)

    def act(self, name: str, about: Iterable[Round]) -> None:
        """Note a step about rounds; one about none is of the whole story."""
        found = frozenset((one.review.crew, one.review.execution_id) for one in about)
        self.steps.append((name, found))

    def step(self, name: str, picked: Iterable[object], known: Iterable[Round]) -> None:
        """Note a step by what it picked."""
        crews = {one.review.execution_id: one.review.crew for one in known}
        self.steps.append((name, frozenset(executions_of(picked, crews))))


def executions_of(picked: Iterable[object], crews: dict[str, str]) -> Iterator[Execution]:
    for one in picked:
        match one:
            case Round(review=Review() as review) | RoundLine(round=Round(review=review)):
                yield review.crew, review.execution_id
            case Branch():
                yield TASKS, one.id
            case Request():
                yield FLOWS, one.flow
            case str() if one in crews:
                yield crews[one], one
            case _ if (execution := getattr(one, "execution", None)) is not None:
                yield TOOLS if hasattr(one, "tool") else LEGAL, execution


@dataclass
class Meetings:
    """The number of stories in which each pair of steps met."""

    stories: int = 0
    names: set[str] = field(default_factory=set)
    """All steps, those too that no story had."""
    told: Counter[str] = field(default_factory=Counter)
    """The stories with a step."""
    beside: Counter[Pair] = field(default_factory=Counter)
    """The stories with both steps of a pair."""
    within: Counter[Pair] = field(default_factory=Counter)
    """The stories with both steps of a pair about one execution."""
    crews: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The crews that a step was ever about."""

    wide: set[str] = field(default_factory=set)
    """The steps that were about no execution at least once: they are about all of a story."""

    def add(self, met: Met) -> None:
        self.stories += 1
        times, about = Counter(name for name, _ in met.steps), defaultdict(list)
        for name, executions in met.steps:
            self.crews[name] |= {crew for crew, _ in executions}
            if not executions:
                self.wide.add(name)
            for one in executions:
                about[one].append(name)
        self.told.update(times.keys())
        self.beside.update(pairs_of(times))
        self.within.update({pair for names in about.values() for pair in pairs_of(Counter(names))})

    def count(self, pair: Pair) -> int:
        """Return in how many stories two steps met: in one execution, if both are of one crew."""
        one, other = pair
        is_within = self.crews[one] & self.crews[other] and self.wide.isdisjoint(pair)
        return (self.within if is_within else self.beside)[pair]

    def lines(self) -> Iterator[str]:
        """Return each step's rarest meetings, and the pairs that never met."""
        every = sorted({*self.names, *self.told})
        pairs = [*combinations_with_replacement(every, 2)]
        yield f"{len(every)} steps met in {self.stories} stories, the rarest pairs of each:"
        for name in every:
            counted = sorted(
                (self.count(pair), pair[pair[0] == name]) for pair in pairs if name in pair
            )
            rarest = ", ".join(f"{other} {many}" for many, other in counted[:RAREST])
            yield f"  {name} {self.told[name]}: {rarest}"
        never = [" + ".join(pair) for pair in pairs if not self.count(pair)]
        yield f"{len(pairs) - len(never)} of {len(pairs)} pairs met, {len(never)} never"
        if self.stories >= ENOUGH:
            yield from (f"  never met: {one}" for one in never)


def pairs_of(times: Counter[str]) -> set[Pair]:
    """Return the pairs among steps; a step that was taken twice meets itself."""
    found = set(combinations_with_replacement(sorted(times), 2))
    return {(one, other) for one, other in found if one != other or times[one] > 1}

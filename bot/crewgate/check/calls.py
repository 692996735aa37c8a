"""The check that the tools and arguments in rules are those of actual calls."""

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from crewgate.check.database import of_this_version
from crewgate.check.findings import Finding, doubtful
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.rules.conditions import Conditions, Facts
from crewgate.domain.rules.patterns import matches_glob
from crewgate.settings.crew import CrewSettings
from crewgate.store.engine import open_readers
from crewgate.store.replay import Replay

DAYS: Final = 30


@dataclass(slots=True)
class _Unmet:
    """A rule's conditions on calls, with the tool and the arguments that no call has had so far."""

    place: str
    when: Conditions
    exactly: bool
    """True if the rule allows calls: such a rule reads only CrewAI's own name of a tool."""
    _: KW_ONLY
    lacks_tool: bool = True
    arguments: set[str] = field(default_factory=set)

    def meet(self, facts: Facts) -> None:
        names = ("",) if facts.call is None else facts.call.names(exactly=self.exactly)
        # An empty name stands for an unreadable one, which may be the rule's tool: so no finding.
        pattern = self.when.tool
        exactly = self.exactly
        if pattern is None or any(
            not one or matches_glob(pattern, one, exactly=exactly) for one in names
        ):
            self.lacks_tool = False
            self.arguments = {path for path in self.arguments if not facts.has(path)}

    def findings(self) -> Iterator[Finding]:
        no_round = f"no round of the last {DAYS} days had"
        if self.lacks_tool:
            why = f"{no_round} a tool “{self.when.tool}”; is it written so?"
            yield doubtful(f"{self.place}.when.tool", why)
            return
        for path in sorted(self.arguments):
            of_tool = "" if self.when.tool is None else f" in a call of “{self.when.tool}”"
            why = f"{no_round} an argument “{path}”{of_tool}; is it written so?"
            yield doubtful(f"{self.place}.when.arguments", why)


async def check_calls(url: str, crews: Iterable[CrewSettings], now: datetime) -> list[Finding]:
    """Find tools and arguments of rules that none of a crew's recent calls had, if it had any."""
    by_crew = {crew.name: list(_of_calls(crew)) for crew in crews}
    unmet = {name: rules for name, rules in by_crew.items() if rules}
    if not unmet:
        return []
    with_calls = set[str]()
    try:
        async with of_this_version(open_readers(url)) as engine:
            async for stored in Replay(engine).since(now - timedelta(days=DAYS), only_calls=True):
                crew = stored.round.review.crew
                with_calls.add(crew)
                for rule in unmet.get(crew, ()):
                    rule.meet(stored.facts)
    except StoreUnavailable:
        return []  # `check_database` reports the error
    met = (rule for crew, rules in unmet.items() if crew in with_calls for rule in rules)
    return [finding for rule in met for finding in rule.findings()]


def _of_calls(crew: CrewSettings) -> Iterator[_Unmet]:
    for rule, place in zip(crew.rules, crew.places, strict=True):
        when = rule.when
        if when.tool is not None or when.arguments:
            yield _Unmet(place, when, rule.allows, arguments={path for path, _ in when.arguments})

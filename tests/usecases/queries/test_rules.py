"""The rules that `/crew rules` shows to a person."""

from datetime import timedelta

from crewgate.domain.people import Anyone, User, UserGroup
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation
from crewgate.domain.verdict import Person
from crewgate.usecases.away import go_away
from crewgate.usecases.queries import rules_of
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.usecases.world import World

DAN = Person("U0DAN", "Dan")


def settings(world: World) -> None:
    """Ana reviews, Ben and later Cai decide under one rule, a channel under another."""
    world.crews.clear()
    later = Escalation(Duration.parse("1d"), (User(CAI.id),))
    rules = (
        a_rule(name="law", reviewers=(User(BEN.id),), escalate=later),
        a_rule(name="anyone", channel="C0OPEN", reviewers=(Anyone(),), delegation=False),
        a_rule(name="else"),
    )
    world.crews["research"] = a_crew(reviewers=(User(ANA.id),), rules=rules)
    world.crews["press"] = a_crew("press", reviewers=(UserGroup("S1"),))


async def shown(world: World, who: Person) -> dict[str, tuple[list[str], bool]]:
    found = await rules_of(who.id, context=world.reviews)
    return {
        one.crew.name: ([f"{number} {rule.name}" for number, rule in one.rules], one.otherwise)
        for one in found
    }


async def test_each_is_shown_what_they_decide(world: World) -> None:
    settings(world)
    everything = (["1 law", "2 anyone", "3 else"], True)
    assert await shown(world, ANA) == {"research": everything}
    assert await shown(world, BEN) == {"research": (["1 law"], False)}
    assert await shown(world, CAI) == {"research": (["1 law"], False)}
    assert await shown(world, EVE) == {}


async def test_slack_is_asked_where_memory_does_not_tell(world: World) -> None:
    settings(world)
    world.directory.learns["C0OPEN"] = {EVE.id}
    world.directory.resolves[UserGroup("S1")] = frozenset({EVE.id})
    assert await shown(world, EVE) == {"research": (["2 anyone"], False), "press": ([], True)}


async def test_who_stands_in_for_somebody_is_shown_theirs_save_what_cannot_be_handed_on(
    world: World,
) -> None:
    settings(world)
    world.directory.channels["C0OPEN"] = {BEN.id}
    until = world.clock() + timedelta(days=1)
    await go_away(BEN, DAN, until=until, context=world.reviews)
    assert await shown(world, BEN) == {"research": (["1 law", "2 anyone"], False)}
    assert await shown(world, DAN) == {"research": (["1 law"], False)}
    world.clock.advance(timedelta(days=1))
    assert await shown(world, DAN) == {}

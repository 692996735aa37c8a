"""Lists of people of which nobody is left: operators are told once, and waiting cards follow."""

from collections.abc import Iterable

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Decide, Escalation, Rule
from crewgate.usecases.access import nobody_of
from crewgate.usecases.empty import EmptyLists
from crewgate.usecases.ports.base import Wakeup
from tests.builders import ANA, a_crew, a_rule
from tests.usecases.world import World

LEGAL, FINANCE, LEADS = UserGroup("S0LEGAL"), UserGroup("S0FINANCE"), UserGroup("S0LEADS")
OPS = User("U0OPS")
BOTH = a_rule(name="both", approvals=2, approvals_from=((LEGAL, 1), (FINANCE, 1)))
LATER = a_rule(name="later", escalate=Escalation(Duration.parse("1d"), (LEADS,)))
ALONE = a_rule(name="alone", decide=Decide.REFUSE, reason="No.", escalate=LATER.escalate)


def fill(world: World, *groups: UserGroup, people: Iterable[str] = (ANA.id,)) -> None:
    world.directory.people |= dict.fromkeys(groups, frozenset(people))


def watch(world: World, *rules: Rule, reviewers: tuple[ReviewerRef, ...] = (LEGAL,)) -> EmptyLists:
    crew = a_crew(reviewers=reviewers, operators=(OPS,), rules=rules)
    world.crews["research"] = crew
    return EmptyLists(
        uow=world.uow,
        crews=world.crews,
        directory=world.directory,
        clock=world.clock,
        asked=Wakeup(),
    )


def warning(lists: EmptyLists) -> str:
    return lists.warning or ""


def told(world: World) -> int:
    keys = [one.key for one in world.slack.messages if one.key.startswith("nobody left research ")]
    return len(keys)


@pytest.mark.parametrize(
    ("reviewers", "rule", "empty"),
    [
        ((LEGAL,), a_rule(), (LEGAL,)),
        ((LEGAL, FINANCE), a_rule(), ()),
        ((LEGAL, User(ANA.id)), a_rule(), ()),
        ((LEGAL, Anyone()), a_rule(), ()),
        ((LEGAL, Email("ana@example.com")), a_rule(), ()),
        ((LEGAL, User("U0GONE")), a_rule(), (LEGAL, User("U0GONE"))),
        ((FINANCE,), BOTH, (LEGAL,)),
        ((FINANCE,), LATER, (LEADS,)),
        ((), a_rule(), ()),
        ((UserGroup("S0NOBODY0KNOWS"),), a_rule(), ()),
    ],
)
async def test_a_list_is_empty_once_slack_says_that_nobody_of_it_is_left(
    world: World, reviewers: tuple[ReviewerRef, ...], rule: Rule, empty: tuple[ReviewerRef, ...]
) -> None:
    fill(world, FINANCE)
    fill(world, LEGAL, LEADS, people=())
    world.directory.gone = {"U0GONE"}
    assert nobody_of(a_crew(reviewers=reviewers), rule, world.directory) == empty


async def test_operators_are_told_once_of_each_list_until_it_is_filled(world: World) -> None:
    fill(world, LEGAL, FINANCE, LEADS)
    lists = watch(world, BOTH, LATER, ALONE)
    await lists.look()
    assert not warning(lists)
    assert await world.effects() == []
    for emptied in (LEGAL, LEADS):
        fill(world, emptied, people=())
        for _ in range(3):
            await lists.look()
            await world.settle_slack()
    assert told(world) == 2
    says = "S0LEGAL (research); S0LEADS (research, rule “later”)"
    assert warning(lists) == f"nobody is left, so reviews wait for ever: {says}"

    # While Slack does not say who is in a group, its last answer counts.
    del world.directory.people[LEGAL]
    await lists.look()
    fill(world, LEGAL, people=())
    await lists.look()
    await world.settle_slack()
    assert told(world) == 2
    assert warning(lists)

    fill(world, LEGAL, LEADS)
    await lists.look()
    await world.settle_slack()
    assert told(world) == 2
    assert not warning(lists)


async def test_nobody_is_told_of_a_list_that_was_filled_meanwhile(world: World) -> None:
    fill(world, LEGAL, people=())
    lists = watch(world)
    await lists.look()
    assert await world.effects() == [EffectKind.NOBODY_LEFT]
    world.directory.people[OPS] = frozenset({OPS.id})
    fill(world, LEGAL)
    await world.settle_slack()
    assert await world.effects() == []


async def test_waiting_cards_follow(world: World) -> None:
    fill(world, LEGAL)
    lists = watch(world)
    await world.notify()
    await world.settle_slack()
    await lists.look()
    for people in ((), (ANA.id,)):
        fill(world, LEGAL, people=people)
        await lists.look()
        assert EffectKind.REFRESH in await world.effects()
        await world.settle_slack()


async def test_a_card_that_said_so_before_a_restart_follows_at_the_first_look(
    world: World,
) -> None:
    fill(world, LEGAL)
    round_ = (await world.notify()).round
    await world.settle_slack()
    async with world.uow.begin() as tx:
        await tx.record_drawn(round_, shown=100, no_approver=True)
    await watch(world).look()
    assert await world.effects() == [EffectKind.REFRESH]


async def test_while_the_database_is_away_nobody_counts_as_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, LEGAL, people=())
    lists = watch(world)

    def away() -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(world.uow, "begin", away)
        await lists.look()
    await lists.look()
    assert await world.effects() == [EffectKind.NOBODY_LEFT]

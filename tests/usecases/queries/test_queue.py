"""A queue reads the rules of what it can show, however many there ever were."""

from datetime import timedelta

import sqlalchemy as sa

from crewgate.domain.people import User
from crewgate.domain.review import State
from crewgate.domain.rules.rule import Naming
from crewgate.store.rounds import from_rule_of
from crewgate.store.tables import rules
from crewgate.usecases.access import LISTED
from crewgate.usecases.queries import queue
from crewgate.usecases.read_models import MessageRef
from tests.builders import ANA, BEN, NOW, a_crew, a_round, a_rule
from tests.databases import both
from tests.usecases.world import World


@both
async def test_rules_of_long_ago_are_not_read(world: World) -> None:
    async with world.engines.write.begin() as connection:
        for number in range(30):
            named = (User(f"U{number:05}"),)
            rule = a_rule(reviewers_from="inputs.boss", naming=Naming.NAMED, reviewers=named)
            await connection.execute(sa.insert(rules), from_rule_of(a_round(rule=rule)))
    world.crews["research"] = a_crew(rules=(a_rule(reviewers=(User(ANA.id),)),))
    waiting = (await world.notify()).round

    async def listed() -> list[str]:
        found = await queue(ANA.id, page=0, context=world.reviews)
        lines = (*found.mine.lines, *found.stuck.lines, *found.decided.lines)
        return [line.round.id for line in lines]

    async def in_use() -> int:
        return len(await world.reviews.rules_in_use())

    assert (await listed(), await in_use()) == ([waiting.id], 1)
    await world.decide(waiting.id)
    assert (await listed(), await in_use()) == ([waiting.id], 1)
    world.crew.pause()
    await world.turn("crew:research")
    world.clock.advance(timedelta(hours=23))
    assert (await world.round(waiting.id)).state is State.RESUMED
    assert (await listed(), await in_use()) == ([waiting.id], 1)
    world.clock.advance(LISTED)
    assert (await listed(), await in_use()) == ([], 0)
    assert BEN.id not in str(await world.uow.read.rules(world.crews))


@both
async def test_what_nobody_may_approve_is_apart_and_operators_see_it(world: World) -> None:
    operators = (User(BEN.id),)
    world.crews["research"] = a_crew(reviewers=(User(ANA.id),), operators=operators)
    alone = (await world.notify()).round
    other = (await world.notify(task_id="other")).round
    async with world.uow.begin() as tx:
        card = MessageRef("C0REVIEWS", "1.0", "1.0")
        await tx.place_card(alone, card, at=NOW, shown=100, no_approver=True)
    for user, mine in ((ANA, [other.id]), (BEN, [])):
        found = await queue(user.id, page=0, context=world.reviews)
        assert [line.round.id for line in found.nobody.lines] == [alone.id]
        assert [line.round.id for line in found.mine.lines] == mine
        assert found.nobody.total == 1
    await world.decide(alone.id)
    assert not (await queue(ANA.id, page=0, context=world.reviews)).nobody.lines

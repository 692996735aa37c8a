"""A queue reads the rules of what it can show, however many there ever were."""

from datetime import timedelta

import sqlalchemy as sa

from crewgate.domain.people import User
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import Naming
from crewgate.store.round_rows import from_rule_of
from crewgate.store.tables import rules
from crewgate.usecases.access import LISTED
from crewgate.usecases.queries import queue
from crewgate.usecases.read_models import NO_RULE_ID, MessageRef, Selection
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


@both
async def test_what_nobody_may_approve_elsewhere_hides_nothing(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=(User(ANA.id),))
    world.crews["other"] = a_crew("other", reviewers=(User(BEN.id),), operators=(User(ANA.id),))
    mine = (await world.notify(execution_id="e-1")).round
    theirs = (await world.notify(crew="other", execution_id="e-2")).round

    async def part(alone: Round) -> tuple[list[str], ...]:
        async with world.uow.begin() as tx:  # as its card found
            for one in (mine, theirs):
                await tx.record_drawn(one, shown=100, no_approver=one == alone)
        found = await queue(ANA.id, page=0, context=world.reviews)
        parts = (found.nobody, found.mine, found.others)
        assert [one.total for one in parts] == [len(one.lines) for one in parts]
        return tuple([line.round.id for line in one.lines] for one in parts)

    assert await part(theirs) == ([theirs.id], [mine.id], [])
    assert await part(mine) == ([mine.id], [], [theirs.id])


@both
async def test_a_round_to_leave_out_that_waits_no_longer_is_not_subtracted(world: World) -> None:
    opened = [(await world.notify(execution_id=f"e-{number}")).round for number in range(3)]
    waiting = Selection(
        queues=(("research", NO_RULE_ID),), states=(State.WAITING,), without=(opened[0].id,)
    )
    assert await world.uow.read.rounds.count(waiting) == 2
    await world.decide(opened[0].id)
    assert await world.uow.read.rounds.count(waiting) == 2

"""The reviews of one person in turn: each once, in one read, however many wait."""

from datetime import timedelta

from crewgate.domain.people import User
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders
from crewgate.usecases.waiting import left_for, next_for
from tests.builders import ANA, BEN, a_crew, a_rule
from tests.databases import both
from tests.store.plans import recorded
from tests.usecases.world import World


async def in_turn(world: World) -> list[str]:
    """Return the rounds of a person's queue."""
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        after = await next_for(ANA.id, after=after, context=world.reviews)
        found += [after] if after else []
    return found


@both
async def test_each_comes_once_also_of_those_that_were_opened_in_one_moment(world: World) -> None:
    world.crews |= {name: a_crew(name) for name in ("research", "sales")}
    opened = []
    for number in range(60):
        crew = ("research", "sales")[number % 2]
        opened.append((await world.notify(crew=crew, execution_id=f"e-{number}")).round)
        if number % 7 == 0:
            world.clock.advance(timedelta(seconds=1))
    by_time = sorted(opened, key=lambda one: (one.opened_at, one.id))
    assert await in_turn(world) == [one.id for one in by_time]
    assert await left_for(ANA.id, context=world.reviews) == (60, None)
    await world.decide(by_time[30].id)
    reads = []
    for at in (0, 29, 30, 58):
        with recorded(world.engines) as statements:
            found = await next_for(ANA.id, after=by_time[at].id, context=world.reviews)
        assert found == by_time[31 if at == 29 else at + 1].id
        reads.append(len(statements))
    assert len({*reads}) == 1


@both
async def test_own_approvals_are_left_out_and_the_next_reminder_is_known(world: World) -> None:
    remind = Reminders(after=Duration(timedelta(hours=2)), most=1)
    rule = a_rule(approvals=2, remind=remind, reviewers=(User(ANA.id), User(BEN.id)))
    world.crews["research"] = a_crew(rules=(rule,))
    first = (await world.notify()).round
    await world.turn("posts:research")
    world.clock.advance(timedelta(minutes=10))
    second = (await world.notify(execution_id="e-2")).round
    await world.turn("posts:research")
    assert await in_turn(world) == [first.id, second.id]
    due = first.opened_at + timedelta(hours=2)
    assert await left_for(ANA.id, context=world.reviews) == (2, due)
    await world.decide(first.id)
    assert await in_turn(world) == [second.id]
    assert await left_for(ANA.id, context=world.reviews) == (1, due + timedelta(minutes=10))
    await world.decide(second.id)
    assert await left_for(ANA.id, context=world.reviews) == (0, None)


@both
async def test_a_reminder_of_any_round_is_known_however_many_wait(world: World) -> None:
    remind = Reminders(after=Duration(timedelta(hours=2)), most=1)
    reminded = a_rule(remind=remind, when=Conditions(task="reminded"))
    world.crews["research"] = a_crew(rules=(reminded,))
    for number in range(24):
        await world.notify(execution_id=f"e-{number}")
    assert await left_for(ANA.id, context=world.reviews) == (24, None)
    last = (await world.notify(execution_id="e-99", task_id="reminded")).round
    await world.settle_slack()
    due = last.opened_at + timedelta(hours=2)
    assert await left_for(ANA.id, context=world.reviews) == (25, due)

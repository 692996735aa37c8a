"""A crew's numbers of the week, posted once, whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

from crewgate.domain.effects import SLACK, EffectKind
from crewgate.domain.outcome import NotSent, RefusalKind, Refused
from crewgate.domain.stats import next_digest
from crewgate.usecases.delivery.reports import plan_digests
from crewgate.usecases.stats import of_crew
from tests.builders import NOW, a_crew
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.worker_world import Logs
from tests.usecases.world import World

WEEK = timedelta(days=7)
MONDAY = datetime(2026, 3, 9, 8, tzinfo=UTC)


def digests(world: World) -> list[str]:
    return [one.ref.channel for one in world.slack.messages if one.key.startswith("digest")]


async def plan(world: World, **changes: Any) -> None:
    """A start of the bot, on a Monday at 9."""
    world.crews["research"] = a_crew(**{"digest": "C0LEADS"} | changes)
    async with world.uow.begin() as tx:
        await plan_digests(world.crews, tx, at=world.clock())


def test_a_digest_comes_on_mondays_at_eight() -> None:
    assert next_digest(NOW) == MONDAY
    assert next_digest(MONDAY - timedelta(microseconds=1)) == MONDAY
    assert next_digest(MONDAY) == MONDAY + WEEK


@both
async def test_a_digest_is_posted_once_a_week_however_often_the_bot_starts(world: World) -> None:
    await plan(world)
    await plan(world)
    world.clock.now = MONDAY - timedelta(seconds=1)
    await world.settle_slack()
    assert digests(world) == []
    for weeks in (1, 2):
        world.clock.now = MONDAY + (weeks - 1) * WEEK
        await world.settle_slack()
        await plan(world)
        assert digests(world) == ["C0LEADS"] * weeks
    assert await world.effects() == [EffectKind.WEEKLY_DIGEST]


@both
async def test_a_bot_that_stood_still_plans_no_second_one(world: World) -> None:
    await plan(world)
    world.clock.now = MONDAY
    jobs = await world.lease(SLACK)
    await world.lapse()
    await world.settle_slack()
    await world.deliver(*jobs)
    assert await world.effects() == [EffectKind.WEEKLY_DIGEST]


async def test_a_crew_that_wants_none_has_none(world: World) -> None:
    await plan(world, digest=None)
    assert await world.effects() == []
    await plan(world)
    world.crews["research"] = a_crew()
    world.clock.advance(WEEK)
    await world.settle_slack()
    assert (digests(world), await world.effects()) == ([], [])


async def test_a_channel_that_refuses_it_is_asked_again_a_week_later(
    world: World, logs: Logs
) -> None:
    await plan(world)
    world.clock.advance(WEEK)
    world.slack.faults.append(Fault(Refused("is_archived", "no", RefusalKind.PERMANENT)))
    await world.settle_slack()
    assert logs[-1]["event"] == "digest_refused"
    assert (logs[-1]["channel"], logs[-1]["code"]) == ("C0LEADS", "is_archived")
    world.clock.advance(WEEK)
    await world.settle_slack()
    assert digests(world) == ["C0LEADS"]


async def test_after_a_day_without_an_answer_it_is_asked_again_a_week_later(
    world: World, logs: Logs
) -> None:
    await plan(world)
    world.clock.now = MONDAY
    for _ in range(2):
        world.slack.faults.append(Fault(LOST))
        await world.settle_slack()
        world.clock.advance(world.context.retry.give_up_after)
    assert digests(world) == []
    assert (logs[-1]["event"], logs[-1]["code"]) == ("digest_refused", "answer_lost")
    world.clock.now = MONDAY + WEEK
    await world.settle_slack()
    assert digests(world) == ["C0LEADS"]


async def test_it_waits_until_slack_is_back(world: World) -> None:
    await plan(world)
    world.clock.advance(WEEK)
    world.slack.faults.append(Fault(NotSent("connection refused")))
    await world.turn()
    assert digests(world) == []
    await world.settle_slack()
    assert digests(world) == ["C0LEADS"]


async def test_it_has_the_numbers_of_all_reviews_of_the_crew_and_names_nobody(
    world: World,
) -> None:
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    found = await of_crew("research", days=7, context=world.context)
    assert found.team.now.decided == 1
    assert (found.mine, found.people) == (None, ())

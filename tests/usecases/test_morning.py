"""One line each morning on which something waits for a person, whatever happens meanwhile."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import NotSent, Outcome, RefusalKind, Refused
from crewgate.domain.people import User
from crewgate.domain.rules.duration import WorkingHours
from crewgate.domain.rules.rule import Rule
from crewgate.usecases.morning import end_morning, set_morning
from tests.builders import ANA, BEN, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.slack_standins import FakeSlack
from tests.usecases.worker_world import Logs
from tests.usecases.world import World

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: A Thursday, at 7:00 there.
SEVEN = datetime(2026, 3, 5, 6, tzinfo=UTC)
HALF_PAST_EIGHT = SEVEN + 1.5 * HOUR


def lines(world: World) -> list[str]:
    """Return the days of the lines that Ana got."""
    return [one.key.split()[-1] for one in world.slack.keyed(f"morning {ANA.id}")]


async def wish(world: World, minute: int = 510) -> None:
    await set_morning(ANA.id, minute, BERLIN.key, context=world.reviews)


@pytest.fixture
def world(world: World) -> World:
    world.clock.now = SEVEN
    world.directory.zones[ANA.id] = BERLIN
    return world


async def waits(world: World) -> None:
    await world.notify()
    await world.settle_slack()


@both
async def test_a_line_comes_once_a_day_while_something_waits(world: World) -> None:
    await waits(world)
    await wish(world)
    await world.settle_slack()
    assert lines(world) == []
    world.clock.now = HALF_PAST_EIGHT
    for _ in range(3):
        await world.settle_slack()
        world.clock.advance(HOUR)
    assert lines(world) == ["2026-03-05"]
    [message] = world.slack.keyed(f"morning {ANA.id}")
    assert message.ref.channel == f"D{ANA.id}"
    world.clock.now = HALF_PAST_EIGHT + DAY
    await world.settle_slack()
    assert lines(world) == ["2026-03-05", "2026-03-06"]
    assert (await world.effects()).count(EffectKind.MORNING_LINE) == 1


@both
async def test_nothing_comes_when_nothing_waits_or_it_was_ended(world: World) -> None:
    await wish(world)
    world.clock.now = HALF_PAST_EIGHT
    await world.settle_slack()
    await waits(world)
    assert lines(world) == []
    world.clock.advance(DAY)
    await world.settle_slack()
    assert len(lines(world)) == 1
    await end_morning(ANA.id, context=world.reviews)
    world.clock.advance(DAY)
    await world.settle_slack()
    assert len(lines(world)) == 1
    assert EffectKind.MORNING_LINE not in await world.effects()


@both
async def test_another_time_counts_from_the_next_line_that_was_not_sent(world: World) -> None:
    await waits(world)
    await wish(world)
    await wish(world, 8 * 60)
    world.clock.now = SEVEN + HOUR
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    await wish(world, 9 * 60)  # the day's line was sent
    world.clock.now = SEVEN + 2 * HOUR
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    world.clock.now = SEVEN + DAY + HOUR
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    world.clock.now = SEVEN + DAY + 2 * HOUR
    await world.settle_slack()
    assert lines(world) == ["2026-03-05", "2026-03-06"]


@both
async def test_several_bots_and_a_person_who_presses_again_make_one_line(world: World) -> None:
    await waits(world)
    await asyncio.gather(*(wish(world) for _ in range(3)))
    for day in range(2):
        world.clock.now = HALF_PAST_EIGHT + day * DAY
        await asyncio.gather(world.turn(), world.turn(), world.turn(), wish(world))
        await world.settle_slack()
        assert len(lines(world)) == day + 1
    world.clock.advance(HOUR)
    await world.settle_slack()
    assert (await world.effects()).count(EffectKind.MORNING_LINE) == 1


@both
async def test_a_lost_answer_makes_no_second_line(world: World) -> None:
    await waits(world)
    await wish(world)
    world.clock.now = HALF_PAST_EIGHT
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    world.clock.advance(HOUR)
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    world.clock.now = HALF_PAST_EIGHT + DAY
    await world.settle_slack()
    assert len(lines(world)) == 2


async def test_slack_that_is_away_delays_it_for_hours_and_no_longer(world: World) -> None:
    await waits(world)
    await wish(world)
    world.clock.now = HALF_PAST_EIGHT
    world.slack.faults.append(Fault(NotSent("connection refused")))
    await world.turn()
    world.clock.advance(3 * HOUR)
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    world.clock.now = HALF_PAST_EIGHT + DAY + 4 * HOUR
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    world.clock.now = HALF_PAST_EIGHT + 2 * DAY
    await world.settle_slack()
    assert lines(world)[1:] == ["2026-03-07"]


async def test_who_left_gets_none_any_more(world: World, logs: Logs) -> None:
    await waits(world)
    await wish(world)
    world.directory.gone.add(ANA.id)
    world.clock.now = HALF_PAST_EIGHT
    await world.settle_slack()
    assert await world.uow.read.mornings.find(ANA.id) is None
    assert EffectKind.MORNING_LINE not in await world.effects()
    world.directory.gone.clear()
    await wish(world)
    world.clock.now = HALF_PAST_EIGHT + DAY
    world.slack.faults.append(Fault(Refused("is_archived", "no", RefusalKind.PERMANENT)))
    await world.settle_slack()
    assert (logs[-1]["event"], logs[-1]["code"]) == ("morning_line_refused", "is_archived")
    assert await world.uow.read.mornings.find(ANA.id) is not None
    world.clock.advance(DAY)
    await world.settle_slack()
    assert len(lines(world)) == 1


async def test_an_answer_that_is_lost_for_a_day_is_left_out(world: World, logs: Logs) -> None:
    await waits(world)
    await wish(world)
    world.clock.now = HALF_PAST_EIGHT
    world.slack.faults.append(Fault(LOST))
    await world.turn()
    retry = replace(world.context.retry, give_up_after=HOUR)
    world.context = replace(world.context, retry=retry)
    world.clock.advance(HOUR)
    world.slack.faults.append(Fault(LOST))
    await world.turn()
    assert (logs[-1]["event"], logs[-1]["code"]) == ("morning_line_refused", "answer_lost")
    assert lines(world) == []
    world.clock.now = HALF_PAST_EIGHT + DAY
    await world.settle_slack()
    assert lines(world) == ["2026-03-06"]


async def test_a_wish_that_ends_while_its_line_is_sent_stays_ended(world: World) -> None:
    class Slow(FakeSlack):
        async def say(self, *args: Any, **named: Any) -> Outcome:
            await end_morning(ANA.id, context=world.reviews)
            return await super().say(*args, **named)

    await waits(world)
    await wish(world)
    world.context = replace(world.context, messenger=Slow(world.clock))
    world.clock.now = HALF_PAST_EIGHT
    await world.settle_slack()
    assert await world.uow.read.mornings.find(ANA.id) is None
    assert EffectKind.MORNING_LINE not in await world.effects()


@both
async def test_it_follows_a_person_to_another_time_zone(world: World) -> None:
    await waits(world)
    await wish(world)
    world.directory.zones[ANA.id] = ZoneInfo("America/New_York")
    world.clock.now = HALF_PAST_EIGHT
    await world.settle_slack()
    assert lines(world) == []
    world.clock.now = datetime(2026, 3, 5, 13, 30, tzinfo=UTC)
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    # Slack is silent: the zone of the last time counts, also when summer time begins.
    world.directory.zones.clear()
    await set_morning(ANA.id, 510, None, context=world.reviews)
    world.clock.now = datetime(2026, 3, 8, 12, 30, tzinfo=UTC)
    await world.settle_slack()
    assert lines(world) == ["2026-03-05", "2026-03-08"]
    # Tokyo's morning is over by then.
    world.directory.zones[ANA.id] = ZoneInfo("Asia/Tokyo")
    world.clock.now = datetime(2026, 3, 9, 12, 30, tzinfo=UTC)
    await world.settle_slack()
    world.clock.now = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
    await world.settle_slack()
    assert lines(world)[2:] == ["2026-03-10"]


HOURS = WorkingHours.parse("mon-fri 09:00-17:00 Europe/Berlin")


def ruled(hours: WorkingHours | None) -> Rule:
    return a_rule(working_hours=hours, reviewers=(User(ANA.id), User(BEN.id)))


@both
async def test_days_without_working_hours_have_none(world: World) -> None:
    world.crews["research"] = a_crew(rules=(ruled(HOURS),))
    await waits(world)
    await wish(world)
    for day in range(5):
        world.clock.now = HALF_PAST_EIGHT + day * DAY
        await world.settle_slack()
    assert lines(world) == ["2026-03-05", "2026-03-06", "2026-03-09"]


async def test_what_waits_under_no_hours_makes_a_line_on_a_saturday(world: World) -> None:
    world.crews["research"] = a_crew(rules=(ruled(HOURS),))
    world.crews["sales"] = a_crew("sales")
    await waits(world)
    await wish(world)
    await world.notify(crew="sales")
    world.clock.now = HALF_PAST_EIGHT + 2 * DAY
    await world.settle_slack()
    assert lines(world) == ["2026-03-07"]


@both
async def test_a_line_that_slack_refused_over_midnight_is_of_the_day_before(world: World) -> None:
    await waits(world)
    await wish(world, 23 * 60 + 59)
    world.clock.now = SEVEN + 17 * HOUR - timedelta(minutes=1)
    world.slack.faults.append(Fault(NotSent("503")))
    await world.turn()
    assert lines(world) == []
    world.clock.advance(timedelta(minutes=2))
    await world.settle_slack()
    assert lines(world) == ["2026-03-05"]
    world.clock.advance(DAY - timedelta(minutes=2))
    await world.settle_slack()
    assert lines(world) == ["2026-03-05", "2026-03-06"]

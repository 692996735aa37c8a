"""Effects of time on a round: never twice, never after the decision, and not at night."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crewgate.domain.effects import TIMER, EffectKind
from crewgate.domain.people import Notify, User
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import Reminders
from crewgate.usecases.away import go_away
from tests.builders import ANA, BEN, CAI, EVE, SECOND, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import AWAY, LOST, Fault
from tests.usecases.timed import (
    ALL,
    DAY,
    HOUR,
    REMINDED,
    TWO_HOURS,
    after,
    opened,
    said,
)
from tests.usecases.world import World

# --- reminders ---


async def test_reminders_come_at_their_pace_and_then_no_more(world: World) -> None:
    round_ = await opened(world, REMINDED)
    for _ in range(8):
        await after(world, HOUR)
    assert said(world, "reminder") == [f"reminder {round_.id} {n}" for n in (1, 2, 3)]
    assert (await world.round(round_.id)).reminders == 3
    assert await world.effects() == []


async def test_none_comes_after_the_decision(world: World) -> None:
    round_ = await opened(world, ALL)
    await world.decide(round_.id)  # the first of two
    await world.settle_slack()
    assert sorted(await world.effects()) == ["escalate", "remind", "time_out"]
    await world.decide(round_.id, by=BEN)
    await world.settle_slack()
    assert await world.effects() == [EffectKind.RESUME]


@pytest.mark.parametrize("ends", ["a newer output", "the execution ended"])
async def test_nor_once_it_waits_no_more(world: World, ends: str) -> None:
    await opened(world, REMINDED)
    world.crews["research"] = a_crew()
    if ends == "a newer output":
        await world.notify("Another draft.")
    else:
        await world.record_update(ended=ends)
    await after(world, DAY)
    assert said(world, "reminder") == []
    assert await world.effects() == []


async def test_a_decision_that_meets_a_reminder_under_way_ends_them(world: World) -> None:
    round_ = await opened(world, REMINDED)
    world.clock.advance(2 * HOUR)
    await world.turn(TIMER)
    assert await world.effects() == [EffectKind.POST_REMINDER]
    jobs = await world.lease("posts:research")
    await world.decide(round_.id)
    assert await world.effects() == [EffectKind.REFRESH, EffectKind.RESUME]
    await world.deliver(*jobs)
    assert said(world, "reminder") == []
    await world.settle_slack()
    assert await world.effects() == [EffectKind.RESUME]


async def test_a_decision_that_meets_one_being_posted_has_no_next_one(world: World) -> None:
    slow = world.slow_down()
    round_ = await opened(world, REMINDED)
    world.clock.advance(2 * HOUR)
    await world.turn(TIMER)
    slow.meanwhile = lambda: world.decide(round_.id)
    await world.turn("posts:research")
    assert (await world.round(round_.id)).reminders == 0
    assert await world.effects() == [EffectKind.REFRESH, EffectKind.RESUME]


async def test_a_bot_that_was_away_for_days_reminds_once(world: World) -> None:
    rule = a_rule(remind=Reminders(after=Duration.parse("15m"), every=TWO_HOURS, most=40))
    round_ = await opened(world, rule)
    await after(world, 3 * DAY)
    assert said(world, "reminder") == [f"reminder {round_.id} 1"]
    await after(world, 2 * HOUR - SECOND)
    assert len(said(world, "reminder")) == 1
    await after(world, SECOND)
    assert len(said(world, "reminder")) == 2


async def test_one_whose_answer_was_lost_comes_once(world: World) -> None:
    round_ = await opened(world, REMINDED)
    world.clock.advance(2 * HOUR)
    await world.turn(TIMER)
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    await after(world, timedelta(minutes=1))
    assert said(world, "reminder") == [f"reminder {round_.id} 1"]
    assert (await world.round(round_.id)).reminders == 1


async def test_while_slack_is_away_they_do_not_pile_up(world: World) -> None:
    await opened(world, REMINDED)
    world.slack.faults.extend([Fault(AWAY)] * 9)
    for _ in range(9):
        world.clock.advance(HOUR)
        await world.turn()
    world.slack.faults.clear()
    await world.settle_slack()
    assert len(said(world, "reminder")) == 1


async def test_nobody_is_reminded_outside_of_their_hours(world: World) -> None:
    hours = WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin")
    world.clock.now = datetime(2026, 3, 6, 15, 45, tzinfo=UTC)  # Friday, 16:45
    await opened(world, replace(REMINDED, working_hours=hours))
    await after(world, 2 * DAY)
    assert said(world, "reminder") == []
    world.clock.now = datetime(2026, 3, 9, 7, 59, tzinfo=UTC)
    await world.settle_slack()
    assert said(world, "reminder") == []
    await after(world, timedelta(minutes=1))
    assert len(said(world, "reminder")) == 1


async def test_what_became_late_by_an_outage_waits_for_the_morning(world: World) -> None:
    hours = WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin")
    world.clock.now = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)  # Thursday, 15:00
    await opened(world, replace(REMINDED, working_hours=hours))
    world.clock.advance(2 * HOUR)
    await world.turn(TIMER)
    world.clock.advance(4 * HOUR)
    await world.settle_slack()
    assert said(world, "reminder") == []
    assert await world.effects() == [EffectKind.REMIND]
    world.clock.now = datetime(2026, 3, 6, 8, 0, tzinfo=UTC)
    await world.settle_slack()
    assert len(said(world, "reminder")) == 1


async def test_one_that_may_be_there_already_does_not_wait_for_the_morning(world: World) -> None:
    hours = WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin")
    world.clock.now = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
    round_ = await opened(world, replace(REMINDED, working_hours=hours))
    world.clock.advance(2 * HOUR)
    await world.turn(TIMER)
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    world.clock.advance(4 * HOUR)
    await world.settle_slack()
    assert said(world, "reminder") == [f"reminder {round_.id} 1"]
    assert (await world.round(round_.id)).reminders == 1


async def test_where_people_are_told_in_private_they_are_reminded_so_too(world: World) -> None:
    people = (User(ANA.id), User(BEN.id), User(CAI.id))
    rule = replace(REMINDED, approvals=2, notify=Notify.DM)
    round_ = await opened(world, rule, reviewers=people)
    await go_away(CAI, EVE, until=world.clock() + DAY, context=world.reviews)
    await world.decide(round_.id)  # Ana
    await after(world, 2 * HOUR)
    reminded = [f"reminder {round_.id} 1 {one.id}" for one in (BEN, CAI, EVE)]
    assert said(world, "reminder", private=True) == reminded
    assert len(said(world, "reminder")) == 1


async def test_nobody_is_reminded_in_private_of_what_is_decided(world: World) -> None:
    round_ = await opened(world, replace(REMINDED, notify=Notify.DM))
    world.clock.advance(2 * HOUR)
    await world.turn(TIMER)
    await world.turn("posts:research")
    await world.decide(round_.id)
    await world.settle_slack()
    assert said(world, "reminder", private=True) == []


async def test_a_delegate_is_told_of_a_new_round_in_private(world: World) -> None:
    await go_away(ANA, EVE, until=world.clock() + DAY, context=world.reviews)
    round_ = await opened(world, a_rule(), notify=Notify.DM)
    assert said(world, "direct", private=True) == [
        f"direct {round_.id} {one.id}" for one in (ANA, BEN, EVE)
    ]


async def test_not_where_the_rule_forbids_it(world: World) -> None:
    await go_away(ANA, EVE, until=world.clock() + DAY, context=world.reviews)
    round_ = await opened(world, a_rule(delegation=False), notify=Notify.DM)
    assert said(world, "direct", private=True) == [
        f"direct {round_.id} {one.id}" for one in (ANA, BEN)
    ]


@pytest.mark.parametrize("channel", [None, "C0LEGAL"])
async def test_where_the_card_was_deleted_it_comes_back_before_people_are_called(
    world: World, channel: str | None
) -> None:
    round_ = await opened(world, replace(ALL, channel=channel))
    await delete_all(world)
    await after(world, 2 * HOUR)
    assert keys(world) == [f"card {round_.id}", f"reminder {round_.id} 1"]
    await delete_all(world)
    await after(world, DAY)
    called = [f"escalated {round_.id}", f"reminder {round_.id} 2"]
    assert (keys(world)[0], sorted(keys(world)[1:])) == (f"card {round_.id}", called)


@both
async def test_a_bot_that_stood_still_while_the_card_came_back_reminds_of_nothing(
    world: World,
) -> None:
    slow = world.slow_down()
    round_ = await opened(world, REMINDED)
    await delete_all(world)

    async def take_over() -> None:
        await world.lapse()
        await world.settle_slack()

    slow.meanwhile = take_over
    await after(world, 2 * HOUR)
    assert keys(world) == [f"card {round_.id}", f"reminder {round_.id} 1"]
    for _ in range(8):
        await after(world, HOUR)
    assert (await world.round(round_.id)).reminders == 3


async def delete_all(world: World) -> None:
    """Somebody deletes all messages."""
    await world.settle_slack()
    for message in world.slack.messages:
        message.deleted = True


def keys(world: World) -> list[str]:
    return [message.key for message in world.slack.messages if not message.deleted]

"""A task that pauses too often: one card gathers its rounds, and each is decided by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import SLACK, TIMER, EffectKind, posts_destination
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.notification import Output
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import Notify, User
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import WorkingHours
from crewgate.domain.verdict import Revise
from crewgate.usecases.delivery.context import FLOOD
from crewgate.usecases.delivery.floods import HOURLY, QUIET, begin_time
from crewgate.usecases.delivery.messages import WITHOUT_CARD
from crewgate.usecases.delivery.worker import deliver
from crewgate.usecases.read_models import CrewUnavailable
from crewgate.usecases.track import STATUS_POLL
from tests.builders import BEN, SECOND, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.timed import ALL, DAY, REMINDED
from tests.usecases.world import CREW, STATUS, World

POSTS = posts_destination("research")


async def pauses(world: World, first: int, last: int, **about: Any) -> list[Round]:
    """Executions of these numbers pause on one task, a second apart."""
    opened = []
    for number in range(first, last + 1):
        opened.append((await world.notify(execution_id=f"e-{number}", **about)).round)
        world.clock.advance(SECOND)
    return opened


async def flood(world: World, count: int = 14, **about: Any) -> list[Round]:
    opened = await pauses(world, 1, count, **about)
    await world.settle_slack()
    return opened


async def quiet(world: World) -> None:
    """Slack is settled, and nobody decides for a while."""
    await world.settle_slack()
    world.clock.advance(QUIET)
    await world.settle_slack()


def carded(world: World, opened: Sequence[Round]) -> list[int]:
    """The numbers of the rounds with a card of their own, from 1."""
    return [
        number
        for number, round_ in enumerate(opened, start=1)
        if world.slack.keyed(f"card {round_.id}")
    ]


@both
async def test_from_the_eleventh_on_one_card_gathers_them(world: World) -> None:
    opened = await flood(world)

    assert carded(world, opened) == [*range(1, FLOOD + 2)]
    assert world.slack.card(opened[FLOOD].id).gathered == 3
    assert {world.slack.card(one.id).gathered for one in opened[:FLOOD]} == {0}
    assert await world.effects() == [EffectKind.CALL_NEXT]


@both
async def test_each_is_decided_by_itself_and_the_card_counts_those_that_wait(world: World) -> None:
    opened = await flood(world)
    gathering = opened[FLOOD]
    await world.decide(opened[-1].id)
    await world.settle_slack()
    assert world.slack.card(gathering.id).gathered == 2
    assert (await world.round(opened[-2].id)).state is State.WAITING

    await world.decide(gathering.id)
    await world.settle_slack()
    assert world.slack.card(gathering.id).gathered == 2
    await world.record_update(f"e-{FLOOD + 2}", ended="x")
    await world.notify("Another.", execution_id=f"e-{FLOOD + 3}")
    await world.settle_slack()
    assert world.slack.card(gathering.id).gathered == 0
    assert carded(world, opened) == [*range(1, FLOOD + 2)]
    await quiet(world)
    assert EffectKind.CALL_NEXT not in await world.effects()


async def test_no_more_than_ten_that_wait_are_no_flood(world: World) -> None:
    opened = await pauses(world, 1, FLOOD)
    await pauses(world, 20, 20, task_id="other", task_name=None)
    for one in opened[:3]:
        await world.decide(one.id)
    opened += await pauses(world, 30, 32)
    await world.settle_slack()
    assert carded(world, opened) == [*range(1, FLOOD + 4)]


async def test_those_of_one_moment_have_ten_cards_too(world: World) -> None:
    opened = [(await world.notify(execution_id=f"e-{number}")).round for number in range(14)]
    await world.settle_slack()
    assert len(carded(world, opened)) == FLOOD + 1


@both
async def test_a_steady_stream_is_told_of_all_day(world: World) -> None:
    """A pause every 50 seconds, each decided before the next."""
    for number in range(1, 40):
        one = (await world.notify(execution_id=f"e-{number}")).round
        await world.settle_slack()
        assert world.slack.keyed(f"card {one.id}")
        await world.decide(one.id)
        await world.settle_slack()
        world.clock.advance(timedelta(seconds=50))


@both
async def test_what_comes_after_a_flood_was_worked_off_has_a_card(world: World) -> None:
    opened = await flood(world)
    for one in opened:
        await world.decide(one.id)
    await world.settle_slack()
    late = await pauses(world, 20, 20)
    await world.settle_slack()
    assert carded(world, late) == [1]
    assert world.slack.notified == [one.id for one in (*opened[: FLOOD + 1], *late)]


@both
async def test_once_the_card_is_decided_and_nobody_goes_on_the_next_has_one(world: World) -> None:
    opened = await flood(world)
    gathering, first, second, third = opened[FLOOD:]
    await world.decide(gathering.id)
    await world.settle_slack()
    assert world.slack.card(gathering.id).gathered == 3  # the way on, for who has just decided
    world.clock.advance(QUIET - SECOND)
    await world.decide(first.id)
    await world.settle_slack()
    world.clock.advance(QUIET - SECOND)
    await world.settle_slack()
    assert carded(world, opened) == [*range(1, FLOOD + 2)]

    world.clock.advance(SECOND)
    await world.settle_slack()
    assert carded(world, opened) == [*range(1, FLOOD + 2), FLOOD + 3]
    assert world.slack.notified[-1] == second.id
    assert world.slack.card(second.id).gathered == 1
    assert world.slack.card(gathering.id).gathered == 0

    await world.decide(third.id)
    await world.settle_slack()
    assert world.slack.card(second.id).gathered == 0


async def test_the_next_card_comes_by_a_clock_that_goes_on_meanwhile(world: World) -> None:
    opened = await flood(world)
    await world.decide(opened[FLOOD].id)
    await world.settle_slack()
    world.clock.advance(QUIET)
    world.clock.tick = timedelta(microseconds=1)
    for _ in range(3):
        await world.turn()
    assert carded(world, opened) == [*range(1, FLOOD + 3)]


@both
async def test_while_some_are_left_people_are_called_hourly(world: World) -> None:
    await called_after_an_hour(world)


async def called_after_an_hour(world: World) -> list[Round]:
    """Let an hour pass in a flood; return its rounds."""
    opened = await flood(world)
    gathering, first, *_ = opened[FLOOD:]
    world.clock.advance(HOURLY - 5 * SECOND)
    await pauses(world, 20, 20)
    await world.settle_slack()
    assert world.slack.card(gathering.id).gathered == 4
    assert world.slack.notified[-1] == gathering.id

    world.clock.advance(5 * SECOND)
    await world.settle_slack()
    assert world.slack.notified[-1] == first.id
    assert world.slack.card(first.id).gathered == 3
    assert world.slack.card(gathering.id).gathered == 0
    return opened


async def test_who_goes_on_deciding_is_called_hourly_too(world: World) -> None:
    gathering, first, second, _ = (await called_after_an_hour(world))[FLOOD:]
    await world.decide(gathering.id)
    await world.decide(first.id)
    called = []
    for number in range(21, 84):  # somebody goes on deciding, others go on coming
        world.clock.advance(QUIET - 2 * SECOND)
        [another] = await pauses(world, number, number)
        await world.settle_slack()
        await world.decide(another.id)
        called.append(world.slack.notified[-1])
    assert called[:60] == [first.id] * 60
    assert called[-1] == second.id


@both
async def test_an_update_that_counts_rounds_again_begins_no_time_anew(world: World) -> None:
    world.crews["research"] = a_crew(rules=(replace(ALL, remind=None),))
    opened = await flood(world, FLOOD + 1)
    [last] = await pauses(world, 20, 20)
    await world.turn()
    posting = await world.uow.read.posting(opened[-1].id)
    assert posting.uncounted == (last.id,)
    await begin_time(posting, world.context)
    due = [row.due_at for row in await world.rows() if row.subject == last.id]
    world.clock.advance(SECOND)
    await begin_time(posting, world.context)
    assert [row.due_at for row in await world.rows() if row.subject == last.id] == due


async def test_the_hour_waits_for_the_working_hours_of_the_rule(world: World) -> None:
    hours = WorkingHours(days=frozenset(range(7)), begin=time(8), end=time(9), zone=ZoneInfo("UTC"))
    world.crews["research"] = a_crew(rules=(replace(ALL, remind=None, working_hours=hours),))
    world.clock.now = world.clock.now.replace(hour=8, minute=30)
    opened = await flood(world)
    world.clock.advance(HOURLY)
    await world.settle_slack()
    assert world.slack.notified[-1] == opened[FLOOD].id
    world.clock.advance(23 * HOURLY)
    await world.settle_slack()
    assert world.slack.notified[-1] == opened[FLOOD + 1].id


async def test_a_card_that_is_to_be_posted_is_not_asked_for_again(world: World) -> None:
    opened = await flood(world)
    gathering, first, *_ = opened[FLOOD:]
    await world.decide(gathering.id)
    await world.settle_slack()
    refused = Refused("is_archived", "the channel is archived", RefusalKind.OTHER)
    world.clock.advance(QUIET)
    world.slack.faults.append(Fault(refused))
    await world.settle_slack()
    await world.enqueue(EffectKind.CALL_NEXT, gathering.id)
    await world.turn(TIMER)
    rows = [row.subject for row in await world.rows() if row.kind == EffectKind.POST]
    assert rows == [first.id]


async def test_calls_are_counted_by_their_tool_and_next_rounds_never(world: World) -> None:
    calls = []
    for number in range(FLOOD + 3):
        calls.append((await world.notify(task_id=f"send-{number}", call=ToolCall("send"))).round)
        world.clock.advance(SECOND)
    await world.settle_slack()
    assert carded(world, calls) == [*range(1, FLOOD + 2)]
    await world.decide(calls[-1].id, Revise("No."))
    await world.turn(CREW)
    again = (await world.notify("Again.", task_id=f"send-{FLOOD + 2}", call=ToolCall("send"))).round
    await world.settle_slack()
    assert again.number == 2
    assert carded(world, [again]) == [1]


async def test_people_whom_another_rule_asks_have_a_card_of_their_own(world: World) -> None:
    legal = a_rule(
        when=Conditions(contains=("Clause",)), channel="C0LEGAL", reviewers=(User(BEN.id),)
    )
    world.crews["research"] = a_crew(rules=(legal,))
    opened = await pauses(world, 1, FLOOD + 2)
    other = (await world.notify("Clause 1.", execution_id="e-99")).round
    await world.settle_slack()
    assert carded(world, opened) == [*range(1, FLOOD + 2)]
    assert carded(world, [other]) == [1]


async def test_rounds_whose_kickoff_may_name_a_reviewer_are_gathered(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(reviewers_from="inputs.manager"),))
    opened = await flood(world)
    assert carded(world, opened) == [*range(1, FLOOD + 2)]
    assert world.slack.card(opened[FLOOD].id).gathered == 3


async def test_only_the_first_is_told_in_private(world: World) -> None:
    world.crews["research"] = a_crew(notify=Notify.DM)
    opened = await flood(world)
    told = [one.key for one in world.slack.messages if one.key.startswith("direct")]
    assert len(told) == 2 * (FLOOD + 1)
    assert not [key for key in told if opened[-1].id in key]


@both
async def test_while_the_card_waits_it_alone_is_reminded_of_and_then_another(world: World) -> None:
    world.crews["research"] = a_crew(rules=(replace(REMINDED, name="all"),))
    opened = await flood(world)
    gathering, *others = opened[FLOOD:]
    assert REMINDED.remind is not None
    world.clock.advance(REMINDED.remind.after.length)
    await world.settle_slack()
    reminded = {one.key.split()[1] for one in world.slack.keyed("reminder")}
    assert reminded >= {one.id for one in opened[: FLOOD + 1]}
    assert reminded.isdisjoint(one.id for one in others[1:])

    await world.decide(gathering.id)
    await world.decide(others[0].id)
    await quiet(world)
    assert carded(world, opened) == [*range(1, FLOOD + 4)]
    world.clock.advance(WITHOUT_CARD)
    await world.settle_slack()
    assert world.slack.keyed(f"reminder {others[1].id}")


@both
async def test_time_counts_for_each_and_tells_of_the_card_alone(world: World) -> None:
    world.crews["research"] = a_crew(rules=(replace(ALL, remind=None),))
    opened = await flood(world)
    for _ in range(3):
        world.clock.advance(DAY + timedelta(minutes=1))
        await world.settle_slack()
    states = {(await world.round(one.id)).state for one in opened}
    assert State.WAITING not in states
    escalated = {one.key.split()[1] for one in world.slack.keyed("escalated")}
    assert escalated >= {one.id for one in opened[: FLOOD + 1]}


@pytest.mark.parametrize(
    ("backend", "about"),
    [("sqlite", {}), ("postgresql", {}), ("sqlite", {"call": ToolCall("send")})],
    ids=["outputs-sqlite", "outputs-postgresql", "calls-sqlite"],
)
async def test_time_stands_still_until_the_gathering_card_is_there(
    world: World, about: dict[str, Any]
) -> None:
    world.crews["research"] = a_crew(rules=(replace(ALL, remind=None),))
    opened = await pauses(world, 1, 14, **about)
    refused = Refused("is_archived", "the channel is archived", RefusalKind.OTHER)
    world.slack.faults += [Fault(refused)] * 1_000
    for _ in range(4):
        await world.turn()
        world.clock.advance(DAY)
    assert world.slack.messages == []
    assert {(await world.round(one.id)).state for one in opened} == {State.WAITING}
    assert {(await world.round(one.id)).escalated_at for one in opened} == {None}

    world.slack.faults.clear()
    await world.settle_slack()
    world.clock.advance(DAY - timedelta(minutes=1))
    await world.settle_slack()
    assert {(await world.round(one.id)).escalated_at for one in opened} == {None}
    for _ in range(3):
        world.clock.advance(DAY)
        await world.settle_slack()
    assert State.WAITING not in {(await world.round(one.id)).state for one in opened}


@both
async def test_no_rule_acts_on_gathered_rounds_while_their_card_is_deleted(world: World) -> None:
    world.crews["research"] = a_crew(rules=(replace(ALL, remind=None, escalate=None),))
    opened = await flood(world)
    gathering, *others = opened[FLOOD:]
    card = world.slack.card(gathering.id)
    card.deleted = True
    async with world.uow.begin() as tx:
        await tx.forget_card(await tx.round(gathering.id), card.ref)
    world.clock.advance(3 * DAY)
    jobs = await world.lease(TIMER, limit=50)
    await world.deliver(*jobs)
    assert {(await world.round(one.id)).state for one in others} == {State.WAITING}


@both
async def test_no_rule_acts_on_one_whose_card_slack_never_took_or_counted(world: World) -> None:
    """Its crew did not know the executions for a while, and then knew them again."""
    world.crews["research"] = a_crew(rules=(replace(ALL, remind=None, escalate=None),))
    opened = await pauses(world, 1, FLOOD + 2)
    for world.crew.says in (*[CrewUnavailable("404: not found", gone=True)] * 5, None):
        world.clock.advance(STATUS_POLL.longest)
        await world.deliver(*await world.lease(STATUS, limit=50))
    updates = Fault(Refused("is_archived", "the channel is archived", RefusalKind.OTHER))
    while jobs := await world.lease(SLACK, limit=1):
        for job in jobs:
            world.slack.faults += [updates] * (job.effect.kind is EffectKind.REFRESH)
            await world.deliver(job)
            world.slack.faults.clear()
    assert carded(world, opened) == [*range(1, FLOOD + 2)]
    world.clock.advance(3 * DAY)
    await world.deliver(*await world.lease(TIMER, limit=50))
    assert (await world.round(opened[-1].id)).state is State.WAITING


async def test_one_that_is_stuck_gets_a_card(world: World) -> None:
    opened = await flood(world)
    await world.decide(opened[-1].id)
    world.crew.faults.append(Fault(Refused("422", "no")))
    await world.turn(CREW)
    await world.settle_slack()
    assert carded(world, opened) == [*range(1, FLOOD + 2), len(opened)]
    assert world.slack.keyed(f"stuck {opened[-1].id}")


@pytest.mark.parametrize("how", ["over before its post", "deleted"])
async def test_without_its_card_another_gathers_the_rest(world: World, how: str) -> None:
    opened = await pauses(world, 1, 14)
    gathering, *others = opened[FLOOD:]
    if how == "over before its post":
        jobs = await world.lease(POSTS, limit=50)
        last = [job for job in jobs if job.effect.target in {one.id for one in others}]
        await world.deliver(*last)  # they know of it before it is posted
        await world.record_update(f"e-{FLOOD + 1}", ended="x")
        await world.deliver(*(job for job in jobs if job not in last))
    else:
        await world.settle_slack()
        world.slack.card(gathering.id).deleted = True
        await world.decide(gathering.id)
    await quiet(world)
    assert world.slack.card(others[0].id).gathered == 2
    assert not world.slack.keyed(f"card {gathering.id}")


async def test_a_result_that_no_card_shows_is_shown(world: World) -> None:
    opened = await flood(world)
    await world.decide(opened[-1].id)
    await world.decide(opened[0].id)
    await world.settle_slack()
    for number in (1, 14):
        await world.record(CrewUpdate(result=Output("A draft.")), f"e-{number}")
    await world.settle_slack()
    ends = [one for one in world.slack.said if one.what is EffectKind.POST_RESULT]
    shown = {one.posting.execution.execution_id: one.posting.approved for one in ends}
    assert shown["e-14"] is None
    assert shown["e-1"] is not None


async def test_a_post_whose_answer_was_lost_is_posted(world: World) -> None:
    opened = await pauses(world, 1, 12)
    jobs = await world.lease(POSTS, limit=50)
    [first], [last] = ([job for job in jobs if job.effect.target == one.id] for one in opened[-2:])
    await world.deliver(first, replace(last, tries=2, began_at=world.clock()))
    assert carded(world, opened[-2:]) == [1, 2]


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_two_bots_that_post_at_once_gather_by_one_card(world: World) -> None:
    opened = await pauses(world, 1, 30)
    jobs = await world.lease(POSTS, limit=50)
    assert len(jobs) == 30
    await asyncio.gather(*(deliver(job, world.context) for job in jobs))
    await world.settle_slack()
    assert len(carded(world, opened)) == FLOOD + 1
    gathered = [world.slack.card(opened[at - 1].id).gathered for at in carded(world, opened)]
    assert sorted(gathered) == [*[0] * FLOOD, 19]


async def test_no_progress_is_posted_for_what_another_card_gathers(world: World) -> None:
    opened = await flood(world)
    last = opened[-1].effect(EffectKind.PROGRESS)
    async with world.uow.begin() as tx:
        await tx.enqueue([last, replace(last, kind=EffectKind.REFRESH_PROGRESS)], at=world.clock())
    await world.settle_slack()
    assert world.slack.said == []

"""A task that pauses too often: one card gathers its rounds, and each is decided by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import TIMER, EffectKind, posts_destination
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.notification import Output
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import Notify, User
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.verdict import Revise
from crewgate.usecases.delivery.cards import FLOOD
from crewgate.usecases.delivery.context import FLOOD_WITHIN
from crewgate.usecases.delivery.messages import WITHOUT_CARD
from crewgate.usecases.delivery.worker import deliver
from tests.builders import BEN, SECOND, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.timed import ALL, DAY, REMINDED
from tests.usecases.world import CREW, World

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
    assert await world.effects() == []


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


async def test_no_more_than_ten_in_ten_minutes_is_no_flood(world: World) -> None:
    opened = await pauses(world, 1, FLOOD)
    await pauses(world, 20, 20, task_id="other", task_name=None)
    world.clock.advance(FLOOD_WITHIN)
    opened += await pauses(world, 30, 32)
    await world.settle_slack()
    assert carded(world, opened) == [*range(1, FLOOD + 4)]


async def test_a_flood_ends_and_another_has_a_card_of_its_own(world: World) -> None:
    await flood(world)
    world.clock.advance(2 * FLOOD_WITHIN)
    opened = await pauses(world, 21, 34)
    await world.settle_slack()
    assert carded(world, opened) == [*range(1, FLOOD + 2)]
    assert world.slack.card(opened[FLOOD].id).gathered == 3


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
    assert reminded == {one.id for one in opened[: FLOOD + 1]}

    await world.decide(gathering.id)
    world.clock.advance(WITHOUT_CARD)
    await world.settle_slack()

    assert carded(world, opened) == [*range(1, FLOOD + 3)]
    assert world.slack.card(others[0].id).gathered == 2
    assert world.slack.card(gathering.id).gathered == 0
    later = {one.key.split()[1] for one in world.slack.keyed("reminder")} - reminded
    assert later == {others[0].id}


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
    assert escalated == {one.id for one in opened[: FLOOD + 1]}
    assert carded(world, opened) == [*range(1, FLOOD + 2)]
    assert world.slack.card(opened[FLOOD].id).gathered == 0


@both
@pytest.mark.parametrize("about", [{}, {"call": ToolCall("send")}], ids=["outputs", "calls"])
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
    world.slack.card(gathering.id).deleted = True
    async with world.uow.begin() as tx:
        await tx.forget_card(await tx.round(gathering.id))
    world.clock.advance(3 * DAY)
    jobs = await world.lease(TIMER, limit=50)
    await world.deliver(*jobs)
    assert {(await world.round(one.id)).state for one in others} == {State.WAITING}


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
    await world.settle_slack()
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

"""A task that pauses too often: each round has its card, and people are mentioned once an hour."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.domain.acts import CallResult, CallState, ToolCall
from crewgate.domain.effects import EffectKind, posts_destination
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import Notify, User
from crewgate.domain.reason import Withdrawn
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.verdict import Revise
from crewgate.store.tables import mentions
from crewgate.usecases.delivery.context import MENTIONED_EACH
from crewgate.usecases.delivery.mentions import AGAIN_IN, HOURLY
from crewgate.usecases.delivery.worker import deliver
from crewgate.usecases.notes import claim
from tests.builders import ANA, BEN, EVE, SECOND, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import AWAY, LOST, Fault
from tests.usecases.timed import ALL, DAY, ESCALATED, REMINDED, TWO_HOURS, said
from tests.usecases.world import CREW, World

POSTS = posts_destination("research")
MANY = MENTIONED_EACH + 4
ARCHIVED = Refused("is_archived", "the channel is archived", RefusalKind.OTHER)


async def pauses(world: World, first: int, last: int, **about: Any) -> list[Round]:
    """Executions of these numbers pause on one task, a second apart."""
    opened = []
    for number in range(first, last + 1):
        opened.append((await world.notify(execution_id=f"e-{number}", **about)).round)
        world.clock.advance(SECOND)
    return opened


async def many(world: World, count: int = MANY, **about: Any) -> list[Round]:
    """Return rounds that wait, with their cards, each posted as its crew paused."""
    opened = []
    for number in range(1, count + 1):
        opened += await pauses(world, number, number, **about)
        await world.settle_slack()
    return opened


def quiet(world: World, opened: Sequence[Round]) -> list[int]:
    """The numbers of the rounds whose cards came short, from 1."""
    cards = [world.slack.card(one.id) for one in opened]
    return [number for number, card in enumerate(cards, start=1) if card.quiet]


async def late(world: World, number: int = 50) -> Round:
    [round_] = await pauses(world, number, number)
    await world.settle_slack()
    return round_


@both
async def test_from_the_eleventh_on_cards_come_short_and_mention_nobody(world: World) -> None:
    opened = await many(world)
    assert quiet(world, opened) == [*range(MENTIONED_EACH + 1, MANY + 1)]
    assert world.slack.notified == [one.id for one in opened[:MENTIONED_EACH]]
    assert await world.effects() == []


@both
async def test_of_300_at_once_each_has_its_card_and_the_first_mentions(world: World) -> None:
    opened = [(await world.notify(execution_id=f"e-{number}")).round for number in range(300)]
    await world.settle_slack()
    assert quiet(world, opened) == [*range(2, 301)]
    assert world.slack.notified == [opened[0].id]


@both
async def test_a_card_mentions_again_after_an_hour(world: World) -> None:
    opened = await many(world)
    world.clock.advance(HOURLY - (MANY - MENTIONED_EACH + 2) * SECOND)
    early = await late(world, 50)
    due = await late(world, 51)
    after = await late(world, 52)
    assert quiet(world, [early, due, after]) == [1, 3]
    assert world.slack.notified[-2:] == [opened[MENTIONED_EACH - 1].id, due.id]


async def test_the_hour_counts_from_when_slack_took_the_card(world: World) -> None:
    await pauses(world, 1, MENTIONED_EACH + 1)
    world.slack.faults.append(Fault(ARCHIVED))
    await world.turn(POSTS, limit=1)
    world.clock.advance(HOURLY)
    await world.settle_slack()
    assert len(world.slack.notified) == 1
    world.clock.advance(HOURLY - 2 * SECOND)
    await late(world, 50)
    assert len(world.slack.notified) == 1
    await late(world, 51)
    assert len(world.slack.notified) == 2


async def test_while_no_more_than_ten_wait_each_card_mentions(world: World) -> None:
    opened = await many(world, MENTIONED_EACH)
    opened += await pauses(world, 20, 20, task_id="other", task_name=None)
    for one in opened[:3]:
        await world.decide(one.id)
    opened += await pauses(world, 30, 32)
    await world.settle_slack()
    assert quiet(world, opened) == []


@both
async def test_a_short_card_is_drawn_whole_with_the_next_change(world: World) -> None:
    world.slack.excerpts = True
    opened = await many(world)
    last = opened[-1]
    assert (await world.uow.read.posting(last.id)).shown == 3
    await claim(last.id, by=BEN, context=world.reviews)
    await world.settle_slack()
    assert quiet(world, [last]) == []
    assert (await world.uow.read.posting(last.id)).shown == 40


@both
async def test_while_a_mention_is_on_its_way_others_wait_for_its_outcome(world: World) -> None:
    opened = await pauses(world, 1, MANY)
    first, second, *_ = await world.lease(POSTS, limit=50)
    world.slack.faults.append(Fault(LOST))
    await world.deliver(first, second)
    assert world.slack.messages == []
    for waits in (AGAIN_IN, HOURLY):
        world.clock.advance(waits)
        again = [one for one in await world.lease(POSTS, limit=50) if one.id == second.id]
        await world.deliver(*again)
        assert world.slack.messages == []

    await world.record_update("e-1", ended="x")  # so its card mentions nobody
    await world.lapse()
    await world.settle_slack()
    world.clock.advance(AGAIN_IN)
    await world.settle_slack()
    assert len({*world.slack.notified} - {opened[0].id}) == 1


async def test_a_mention_that_surely_did_not_come_holds_up_nobody(world: World) -> None:
    first, *others = await pauses(world, 1, MANY)
    jobs = await world.lease(POSTS, limit=50)
    world.slack.faults.append(Fault(AWAY))
    await world.deliver(*jobs)
    assert world.slack.notified == [others[0].id]
    await world.settle_slack()
    assert quiet(world, [first, *others]) == [1, *range(3, MANY + 1)]


@both
async def test_a_message_that_was_found_counts_from_when_slack_took_it(world: World) -> None:
    first, *others = await pauses(world, 1, MANY)
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn(POSTS, limit=1)
    took = world.clock()
    world.slack.faults.append(Fault(LOST))
    for _ in range(3):
        world.clock.advance(60 * SECOND)
        await world.settle_slack()
    assert world.slack.notified == [first.id]
    assert len(quiet(world, others)) == MANY - 1
    world.clock.advance(took + HOURLY - 2 * SECOND - world.clock())
    early, due = await late(world), await late(world, 51)
    assert quiet(world, [early, due]) == [1]


async def approve_before_it_is_found(world: World) -> None:
    """The answer to the first of many cards is lost, somebody approves, and the card is found."""
    first, *_ = await pauses(world, 1, MANY)
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn(POSTS, limit=1)
    await world.decide(first.id)
    for _ in range(3):
        world.clock.advance(3 * SECOND)
        await world.settle_slack()
    assert world.slack.notified == [first.id]


async def test_a_mention_that_is_found_after_a_decision_counts(world: World) -> None:
    await approve_before_it_is_found(world)


async def test_a_mention_counts_for_the_people_whom_it_mentioned(world: World) -> None:
    """Ana approves in Home meanwhile, so fewer people are left when the message is found."""
    world.crews["research"] = a_crew(
        reviewers=(User(ANA.id), User(BEN.id)), rules=(a_rule(approvals=2),)
    )
    await approve_before_it_is_found(world)


async def test_a_short_card_that_is_found_leaves_the_mention_to_the_next(world: World) -> None:
    world.crews["research"] = a_crew(notify=Notify.DM)
    await many(world)
    told = len(world.slack.keyed("direct"))
    [short] = await pauses(world, 50, 50)
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn(POSTS)
    world.clock.advance(HOURLY)
    await world.settle_slack()
    assert len(world.slack.keyed("direct")) == told
    due = await late(world, 51)
    assert not world.slack.keyed(f"direct {short.id}")
    assert len(said(world, f"direct {due.id}", private=True)) == 2


async def test_an_older_mention_that_is_found_does_not_shorten_the_hour(world: World) -> None:
    opened = await pauses(world, 1, MENTIONED_EACH + 1)
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn(POSTS, limit=1)
    await world.decide(opened[1].id)
    again = {job.id: job for job in await world.lease(POSTS, limit=50)}
    newest = again.pop(max(again))
    world.clock.advance(HOURLY / 2)
    await world.deliver(newest)
    await world.lapse()
    await world.settle_slack()
    await pauses(world, 20, 22)
    world.clock.advance(HOURLY / 2)
    await world.settle_slack()
    assert len(world.slack.notified) == MENTIONED_EACH + 1


async def test_a_mention_that_was_lost_on_its_way_is_posted_again(world: World) -> None:
    first, *others = await pauses(world, 1, MANY)
    world.slack.faults.append(Fault(LOST))
    await world.turn(POSTS, limit=1)
    world.clock.advance(3 * SECOND)
    await world.settle_slack()
    world.clock.advance(3 * SECOND)
    await world.settle_slack()
    assert world.slack.notified == [first.id]
    assert len(quiet(world, others)) == MANY - 1


@both
async def test_a_card_that_is_found_again_is_drawn_anew(world: World) -> None:
    """It may be short, although the try that finds it would mention people."""
    opened = await many(world)
    last = (await pauses(world, 50, 50))[0]
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn(POSTS)
    assert quiet(world, [last]) == [1]
    for one in opened:
        await world.decide(one.id, Revise("Shorter."))
    world.clock.advance(3 * SECOND)
    await world.settle_slack()
    assert quiet(world, [last]) == []
    assert (await world.uow.read.posting(last.id)).shown == 100


async def test_calls_are_counted_by_their_tool(world: World) -> None:
    calls = []
    for number in range(MANY):
        calls.append((await world.notify(task_id=f"send-{number}", call=ToolCall("send"))).round)
        world.clock.advance(SECOND)
    await world.settle_slack()
    assert quiet(world, calls) == [*range(2, MANY + 1)]


@both
async def test_a_next_round_counts_as_the_first_does(world: World) -> None:
    opened = await many(world)
    await world.decide(opened[0].id, Revise("Shorter."))
    await world.turn(CREW)
    again = (await world.notify("Again.", execution_id="e-1")).round
    await world.settle_slack()
    assert again.number == 2
    assert quiet(world, [again]) == [1]


async def test_people_whom_another_rule_asks_have_an_hour_of_their_own(world: World) -> None:
    legal = a_rule(
        when=Conditions(contains=("Clause",)), channel="C0LEGAL", reviewers=(User(BEN.id),)
    )
    world.crews["research"] = a_crew(rules=(legal,))
    await many(world)
    other = (await world.notify("Clause 1.", execution_id="e-99")).round
    await world.settle_slack()
    assert quiet(world, [other]) == []


async def test_private_messages_come_as_mentions_do(world: World) -> None:
    world.crews["research"] = a_crew(notify=Notify.DM)
    opened = await many(world)
    told = [one.key for one in world.slack.messages if one.key.startswith("direct")]
    assert len(told) == 2 * MENTIONED_EACH
    assert not [key for key in told if opened[-1].id in key]
    world.clock.advance(HOURLY)
    due = await late(world)
    assert len(said(world, f"direct {due.id}", private=True)) == 2


@both
async def test_reminders_mention_once_an_hour_too(world: World) -> None:
    world.crews["research"] = a_crew(notify=Notify.DM, rules=(replace(REMINDED, name="all"),))
    opened = await many(world)
    world.clock.advance(TWO_HOURS.length)
    await world.settle_slack()
    reminders = world.slack.keyed("reminder")
    threads = [one for one in reminders if not one.ref.channel.startswith("D")]
    assert [one.quiet for one in threads] == [False] + [True] * (MANY - 1)
    private = [one.key for one in reminders if one not in threads]
    assert len(private) == 2
    assert all(opened[0].id in key for key in private)
    late_card = await late(world)
    assert quiet(world, [late_card]) == [1]


@both
async def test_people_who_are_escalated_to_have_an_hour_of_their_own(world: World) -> None:
    world.crews["research"] = a_crew(notify=Notify.DM, rules=(replace(ESCALATED, name="all"),))
    await many(world)
    world.clock.advance(DAY - 60 * SECOND)
    first = await late(world)
    assert quiet(world, [first]) == []
    world.clock.advance(60 * SECOND)
    await world.settle_slack()
    escalated = [one.quiet for one in world.slack.keyed("escalated")]
    assert escalated == [False] + [True] * (MANY - 1)
    told = {one.key for one in world.slack.keyed("direct") if one.key.endswith(EVE.id)}
    assert len(told) == 1


async def test_a_reminder_waits_while_another_is_on_its_way(world: World) -> None:
    world.crews["research"] = a_crew(rules=(replace(REMINDED, name="all"),))
    await many(world)
    world.clock.advance(TWO_HOURS.length)
    await world.turn("timer", limit=50)
    first, second, *_ = await world.lease(POSTS, limit=50)
    world.slack.faults.append(Fault(LOST))
    await world.deliver(first, second)
    assert world.slack.keyed("reminder") == []
    await world.settle_slack()
    world.clock.advance(5 * SECOND)
    await world.settle_slack()
    world.clock.advance(AGAIN_IN)
    await world.settle_slack()
    assert [one.quiet for one in world.slack.keyed("reminder")].count(False) == 1


async def test_an_escalation_waits_while_another_is_on_its_way(world: World) -> None:
    world.crews["research"] = a_crew(rules=(replace(ESCALATED, name="all"),))
    await many(world)
    world.clock.advance(DAY)
    await world.turn("timer", limit=50)
    first, second, *_ = await world.lease(POSTS, limit=50)
    world.slack.faults.append(Fault(LOST))
    await world.deliver(first, second)
    assert world.slack.keyed("escalated") == []
    await world.settle_slack()
    world.clock.advance(5 * SECOND)
    await world.settle_slack()
    world.clock.advance(AGAIN_IN)
    await world.settle_slack()
    assert [one.quiet for one in world.slack.keyed("escalated")].count(False) == 1


@both
@pytest.mark.parametrize("about", [{}, {"call": ToolCall("send")}], ids=["outputs", "calls"])
async def test_no_rule_acts_on_what_no_card_of_its_own_shows(
    world: World, about: dict[str, Any]
) -> None:
    world.crews["research"] = a_crew(rules=(replace(ALL, remind=None),))
    shown = await many(world, MANY, **about)
    hidden = await pauses(world, 50, 53, **about)
    world.slack.faults += [Fault(ARCHIVED)] * 1_000
    for _ in range(4):
        await world.turn(limit=50)
        world.clock.advance(DAY)
    world.slack.faults.clear()
    await world.deliver(*await world.lease("timer", limit=50))
    assert State.WAITING not in {(await world.round(one.id)).state for one in shown}
    assert {(await world.round(one.id)).state for one in hidden} == {State.WAITING}
    assert {(await world.round(one.id)).escalated_at for one in hidden} == {None}

    await world.settle_slack()
    for _ in range(3):
        world.clock.advance(DAY)
        await world.settle_slack()
    assert State.WAITING not in {(await world.round(one.id)).state for one in hidden}


@both
async def test_a_decision_that_was_withdrawn_before_the_card_is_told(world: World) -> None:
    opened = await pauses(world, 1, MANY, call=ToolCall("send"), takes_key=True)
    round_ = opened[-1]
    await world.decide(round_.id)
    closed = CallResult(CallState.CLOSED, "The task is done, and needs no answer.")
    again: dict[str, Any] = {
        "execution_id": f"e-{MANY}",
        "call": ToolCall("send"),
        "takes_key": True,
    }
    await world.notify(**again, call_result=closed)
    await world.turn(CREW)
    await world.settle_slack()
    after = await world.round(round_.id)
    assert (after.state, type(after.reason)) == (State.CLOSED, Withdrawn)
    assert world.slack.keyed(f"card {round_.id}")
    assert world.slack.keyed(f"stuck {round_.id}")


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_of_two_bots_that_post_at_once_one_mentions(world: World) -> None:
    opened = await pauses(world, 1, 30)
    jobs = await world.lease(POSTS, limit=50)
    assert len(jobs) == 30
    await asyncio.gather(*(deliver(job, world.context) for job in jobs))
    assert len(world.slack.notified) == 1
    for _ in range(30):
        world.clock.advance(AGAIN_IN)
        await world.settle_slack()
    assert len(world.slack.notified) == 1
    assert len(quiet(world, opened)) == 29


@both
async def test_mentions_that_are_over_leave_no_rows(world: World) -> None:
    for number in range(3):
        await world.notify(execution_id=f"e-{number}", task_id=f"t-{number}", task_name=None)
        await world.settle_slack()
        world.clock.advance(2 * HOURLY + SECOND)
    async with world.engines.for_outbox.read.connect() as connection:
        found = (await connection.execute(sa.select(mentions))).all()
    assert len(found) == 1


async def test_no_progress_is_missing_where_many_wait(world: World) -> None:
    opened = await many(world)
    last = opened[-1].effect(EffectKind.PROGRESS)
    async with world.uow.begin() as tx:
        await tx.enqueue([last], at=world.clock())
    await world.settle_slack()
    assert [one.what for one in world.slack.said] == [EffectKind.PROGRESS]

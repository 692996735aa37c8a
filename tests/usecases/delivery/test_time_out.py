"""Escalation and the time-out: once, never after the decision, whatever is away."""

import asyncio
from dataclasses import replace

import pytest

from crewgate.domain.effects import TIMER, EffectKind
from crewgate.domain.errors import AlreadyDecided, NotAReviewer
from crewgate.domain.execution import ExecutionState
from crewgate.domain.outcome import Refused
from crewgate.domain.people import Notify, User
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import Answer, Approve, Decision, Revise, TimedOut, Via
from crewgate.usecases.delivery.messages import WITHOUT_CARD
from crewgate.usecases.track import end_execution, reopen
from tests.builders import BEN, EVE, SECOND, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.timed import (
    ALL,
    DAY,
    ESCALATED,
    HOUR,
    REMINDED,
    SENT_BACK,
    THREE_DAYS,
    after,
    opened,
    said,
)
from tests.usecases.worker_world import Logs
from tests.usecases.world import CREW, World

# --- escalation ---


async def test_escalated_more_people_may_decide_and_are_called(world: World) -> None:
    round_ = await opened(world, ESCALATED)
    with pytest.raises(NotAReviewer):
        await world.decide(round_.id, by=EVE)
    await after(world, DAY)
    assert said(world, "escalated") == [f"escalated {round_.id}"]
    stored = await world.round(round_.id)
    assert stored.escalated_at == world.clock()
    card = world.slack.card(round_.id)
    assert isinstance(card.shows, Round)
    assert card.shows.escalated_at == world.clock()
    assert (await world.decide(round_.id, by=EVE)).decision is not None


async def test_the_operators_who_decide_where_nobody_else_is_named_may_go_on(
    world: World,
) -> None:
    rule = replace(ESCALATED, approvals=2)
    world.crews["research"] = a_crew(reviewers=(), operators=(User(BEN.id),), rules=(rule,))
    round_ = (await world.ask(assigned=())).round
    await world.settle_slack()
    await world.decide(round_.id, Answer("approved", is_label=True), by=BEN)
    await after(world, DAY)
    decided = await world.decide(round_.id, Answer("approved", is_label=True), by=EVE)
    assert [vote.by for vote in decided.votes] == [BEN, EVE]
    assert decided.state is State.DECIDED


async def test_they_may_decide_before_slack_is_told(world: World) -> None:
    round_ = await opened(world, ESCALATED)
    world.clock.advance(DAY)
    await world.turn(TIMER)
    assert said(world, "escalated") == []
    await world.decide(round_.id, by=EVE)
    await world.settle_slack()
    assert said(world, "escalated") == []


async def test_they_are_told_in_private_too(world: World) -> None:
    round_ = await opened(world, ESCALATED, notify=Notify.DM)
    await after(world, DAY)
    assert said(world, f"direct {round_.id} {EVE.id}", private=True) != []


async def test_nobody_is_called_to_what_was_decided_meanwhile(world: World) -> None:
    round_ = await opened(world, ESCALATED)
    world.clock.advance(DAY)
    await world.turn(TIMER)
    jobs = await world.lease("posts:research")
    await world.decide(round_.id)
    await world.deliver(*jobs)
    assert said(world, "escalated") == []


# --- the time-out ---


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        (TimeOut(THREE_DAYS, TimeoutAction.REVISE, "Stop."), Revise("Stop.")),
        (TimeOut(THREE_DAYS, TimeoutAction.APPROVE), Approve()),
    ],
)
async def test_the_rule_decides_when_nobody_does(
    world: World, logs: Logs, says: TimeOut, verdict: Approve | Revise
) -> None:
    world.crew.pause()
    round_ = await opened(world, a_rule(timeout=says, approvals=2))
    await world.decide(round_.id)  # one of two
    await after(world, 3 * DAY)
    stored = await world.round(round_.id)
    by = TimedOut("contracts", THREE_DAYS)
    assert stored.decision == Decision(verdict=verdict, by=by, at=world.clock(), via=Via.RULE)
    assert said(world, "timed out") == [f"timed out {round_.id}"]
    [line] = [one for one in logs if one["event"] == "timed_out"]
    assert (line["round_id"], line["then"]) == (round_.id, says.then)
    with pytest.raises(AlreadyDecided):
        await world.decide(round_.id, by=BEN)
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert (taken.decision.verdict, taken.decision.human_feedback) == (
        verdict,
        "Stop." if isinstance(verdict, Revise) else "Approved.",
    )


async def test_it_sends_no_more_back_in_a_row_than_the_rule_says(world: World) -> None:
    world.crews["research"] = a_crew(rules=(SENT_BACK,))

    async def timed_out(output: str) -> Round:
        round_ = (await world.notify(output)).round
        await world.settle_slack()
        await after(world, 3 * DAY)
        return await world.round(round_.id)

    for number, output in enumerate(("One.", "Two.")):
        back = await timed_out(output)
        assert (back.sent_back, back.decision is not None) == (number, True)
    left = await timed_out("Three.")
    assert (left.sent_back, left.state) == (2, State.WAITING)
    assert said(world, "timed out")[-1] == f"timed out {left.id}"
    # Once a person has decided, it may send back again.
    await world.decide(left.id, Revise("Shorter."))
    assert (await timed_out("Four.")).decision is not None


async def test_it_ends_what_else_time_would_bring(world: World) -> None:
    await opened(
        world, replace(ALL, timeout=TimeOut(Duration.parse("1h"), TimeoutAction.REVISE, "Stop."))
    )
    await after(world, HOUR)
    await after(world, 9 * DAY)
    assert (said(world, "reminder"), said(world, "escalated")) == ([], [])


async def test_a_rule_that_leaves_it_says_so_once(world: World) -> None:
    round_ = await opened(world, a_rule(timeout=TimeOut(THREE_DAYS)))
    await after(world, 3 * DAY)
    await after(world, 3 * DAY)
    assert said(world, "timed out") == [f"timed out {round_.id}"]
    assert (await world.decide(round_.id)).decision is not None


async def test_that_it_is_left_is_no_news_once_it_is_decided(world: World) -> None:
    round_ = await opened(world, a_rule(timeout=TimeOut(THREE_DAYS)))
    world.clock.advance(3 * DAY)
    await world.turn(TIMER)
    await world.decide(round_.id)
    await world.settle_slack()
    assert said(world, "timed out") == []


async def test_it_decides_while_slack_is_away(world: World) -> None:
    round_ = await opened(world, SENT_BACK)
    world.clock.advance(3 * DAY)
    await world.turn(TIMER)
    assert (await world.round(round_.id)).state is State.DECIDED


@both
@pytest.mark.parametrize("at_once", [1, 5])
async def test_a_click_and_the_time_out_decide_once(world: World, at_once: int) -> None:
    round_ = await opened(world, SENT_BACK)
    world.clock.advance(3 * DAY)
    jobs = await world.lease(TIMER)
    clicks = [world.decide(round_.id) for _ in range(at_once)]
    outcomes = await asyncio.gather(*clicks, world.deliver(*jobs), return_exceptions=True)
    stored = await world.round(round_.id)
    assert stored.decision is not None
    won = [one for one in outcomes if isinstance(one, Round)]
    assert len(won) == (0 if isinstance(stored.decision.by, TimedOut) else 1)
    assert (await world.effects()).count(EffectKind.RESUME) == 1


@both
@pytest.mark.parametrize("rule", [SENT_BACK, ESCALATED, REMINDED])
async def test_time_stands_still_while_the_settings_do_not_name_the_crew(
    world: World, rule: Rule
) -> None:
    async def starts(*, named: bool) -> None:
        """Start a bot whose settings name the crew, or do not, while other bots run."""
        world.crews.pop("research", None)
        if named:
            world.crews["research"] = a_crew(rules=(rule,))
        await world.outbox.note_alive(now=world.clock(), compare=True)
        await world.settle_slack()

    round_ = await opened(world, rule)
    [before] = await world.rows()
    await starts(named=True)
    for _ in range(3):
        await starts(named=False)
        world.clock.advance(DAY)
    await starts(named=True)
    assert await world.round(round_.id) == round_
    [now] = await world.rows()
    assert now.due_at == before.due_at + 3 * DAY
    await after(world, 3 * DAY)
    assert await world.round(round_.id) != round_


# --- before the card is there ---


async def test_time_counts_from_the_placed_card(world: World) -> None:
    world.slack.faults.append(Fault(Refused("not_in_channel", "invite the bot")))
    world.crews["research"] = a_crew(rules=(ALL,))
    round_ = (await world.notify()).round
    await world.settle_slack()
    await after(world, 9 * DAY)  # now the card is taken
    assert [one.key for one in world.slack.messages] == [f"card {round_.id}"]
    await after(world, 3 * DAY - SECOND)
    assert (await world.round(round_.id)).state is State.WAITING
    await after(world, SECOND)
    assert (await world.round(round_.id)).state is State.DECIDED
    assert said(world, "escalated") == [f"escalated {round_.id}"]


async def test_nothing_is_ahead_of_what_was_decided_before_its_card_was_posted(
    world: World,
) -> None:
    world.crews["research"] = a_crew(rules=(SENT_BACK,))
    await world.decide((await world.notify()).round.id)
    await world.settle_slack()
    assert await world.effects() == [EffectKind.RESUME]


@pytest.mark.parametrize("rule", [SENT_BACK, ESCALATED, REMINDED])
async def test_what_is_due_while_a_deleted_card_is_not_back_is_put_off(
    world: World, rule: Rule
) -> None:
    round_ = await opened(world, rule)
    async with world.uow.begin() as tx:
        await tx.forget_card(round_, world.slack.card(round_.id).ref)
    await after(world, 3 * DAY)
    assert await world.round(round_.id) == round_
    await world.enqueue(EffectKind.REPOST, round_.id)
    await world.settle_slack()
    await after(world, WITHOUT_CARD - SECOND)
    assert await world.round(round_.id) == round_
    await after(world, SECOND)
    assert await world.round(round_.id) != round_


# --- restarts, and what is back ---


async def test_all_of_it_survives_a_restart_and_comes_once(world: World) -> None:
    round_ = await opened(world, ALL)
    for _ in range(60):
        world.clock.advance(2 * HOUR)
        for job in await world.lease(TIMER):
            await world.deliver(job)
            await world.outbox.release(due_at=world.clock())
        await world.lapse()
        await world.settle_slack()
    for what in ("escalated", "timed out"):
        assert said(world, what) == [f"{what} {round_.id}"]
    assert len(said(world, "reminder")) == 3
    assert (await world.round(round_.id)).state is State.DECIDED


async def test_a_job_whose_round_waits_no_more_does_nothing(world: World) -> None:
    round_ = await opened(world, ALL)
    world.clock.advance(9 * DAY)
    jobs = await world.lease(TIMER)
    assert len(jobs) == 3
    await world.decide(round_.id, Revise("Shorter."))
    await world.deliver(*jobs)
    await world.settle_slack()
    assert [one.key for one in world.slack.messages] == [f"card {round_.id}"]


async def lose(world: World) -> None:
    """Let the crew forget the execution."""
    execution = await world.execution()
    gone = execution.end(ExecutionState.GONE, world.clock())
    async with world.uow.begin() as tx:
        await end_execution(tx, execution, gone, at=world.clock())


async def find_again(world: World) -> None:
    """Let the crew know the execution again."""
    async with world.uow.begin() as tx:
        gone = await tx.executions.open("research", "e-1", at=world.clock())
        await reopen(tx, gone, at=world.clock())


async def test_a_round_that_waits_again_has_all_of_it_ahead_again(world: World) -> None:
    round_ = await opened(world, SENT_BACK)
    await lose(world)
    await world.settle_slack()
    assert await world.effects() == []
    await after(world, 9 * DAY)
    await find_again(world)
    await after(world, 3 * DAY - SECOND)
    assert (await world.round(round_.id)).state is State.WAITING
    await after(world, SECOND)
    assert (await world.round(round_.id)).state is State.DECIDED


async def test_a_timer_that_was_leased_before_time_began_anew_does_nothing(world: World) -> None:
    round_ = await opened(world, ALL)
    world.clock.advance(9 * DAY)
    leased = await world.lease(TIMER)
    assert len(leased) == 3
    await lose(world)
    await find_again(world)
    await world.deliver(*leased)
    await world.settle_slack()
    assert (await world.round(round_.id)) == replace(round_, version=3)
    assert [one.key for one in world.slack.messages] == [f"card {round_.id}"]


async def test_all_its_reminders_too(world: World) -> None:
    await opened(world, REMINDED)
    for _ in range(4):
        await after(world, 2 * HOUR)
    assert len(said(world, "reminder")) == 3
    await lose(world)
    await find_again(world)
    for _ in range(4):
        await after(world, 2 * HOUR)
    assert len(said(world, "reminder")) == 6


async def test_what_was_decided_before_has_nothing_ahead(world: World) -> None:
    round_ = await opened(world, SENT_BACK)
    await world.decide(round_.id)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    await lose(world)
    await find_again(world)
    await world.settle_slack()
    assert (await world.round(round_.id)).state is State.STUCK
    assert await world.effects() == []

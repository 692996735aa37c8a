"""Transactions that meet: each waits for the other, none fails, none is lost.

On SQLite they take turns by themselves. On PostgreSQL rows are locked, always in one order: the
execution, the review, the round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.domain.audit import BOT, Code, Entry
from crewgate.domain.caveats import Share
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import PressRepeated
from crewgate.domain.people import User
from crewgate.domain.reason import ExecutionEnded
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Person
from crewgate.usecases.caveats import caveats_for
from crewgate.usecases.decide import edit
from crewgate.usecases.delivery.naming import name_reviewer
from crewgate.usecases.notes import change_note, claim, delete_note, refresh_card
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import MessageRef
from tests.builders import (
    ANA,
    BEN,
    CAI,
    NOW,
    a_crew,
    a_decision,
    a_review,
    a_rule,
    an_effect,
)
from tests.store.jobs import done, lease, put
from tests.usecases.timed import ALL, DAY, SENT_BACK, opened
from tests.usecases.world import CREW, World

PEOPLE = (User(ANA.id), User(BEN.id), User(CAI.id))
BLOCKED = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
async def waiting(world: World) -> Round:
    return (await world.notify()).round


async def started(
    world: World, other: Coroutine[Any, Any, Any], *, beside: int = 0
) -> asyncio.Task[Any]:
    """Start something and return when it waits for a lock, `beside` so many that do already."""
    task = asyncio.create_task(other)
    while not task.done():
        async with world.engines.read.connect() as connection:
            if await connection.scalar(BLOCKED) > beside:
                break
    assert not task.done(), "it did not wait"
    return task


async def test_a_notification_waits_for_a_decision(world: World, waiting: Round) -> None:
    async with world.uow.begin() as tx:
        round_ = await tx.round(waiting.id)
        notification = await started(world, world.notify("Another draft."))
        await tx.save(round_.close(ExecutionEnded(), NOW).round)
    received = await notification
    assert (received.accepted, received.round.number) == (True, 2)
    assert (await world.round(waiting.id)).state is State.CLOSED


async def test_a_note_waits_for_a_decision_and_then_is_none(world: World) -> None:
    round_ = (await world.notify()).round
    await world.settle_slack()
    card = (await world.uow.read.posting(round_.id)).card
    assert card is not None
    note = world.note(card, "9.1", by=BEN)
    async with world.uow.begin() as tx:
        waiting = await tx.round(round_.id)
        keeping = await started(world, note)
        await tx.save(waiting.decide(a_decision()).round)
    assert await keeping is None


async def changed(tx: Tx, channel: str) -> str | None:
    return await tx.notes.change(channel, "9.1", text="No.", edited_ts="9.2")


async def deleted(tx: Tx, channel: str) -> str | None:
    return await tx.notes.delete(channel, "9.1")


async def named(tx: Tx, channel: str) -> str | None:
    note = await tx.notes.note(channel, "9.1")
    assert note is not None
    await tx.notes.name(note.round_id, BEN)
    return note.round_id


@pytest.mark.parametrize("act", [changed, deleted, named])
async def test_a_note_and_a_text_in_the_place_of_its_output_never_wait_for_each_other(
    world: World, act: Callable[[Tx, str], Awaitable[str | None]]
) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(a_rule(approvals=2),))
    round_ = (await world.notify(takes_edits=True)).round
    await world.settle_slack()
    card = (await world.uow.read.posting(round_.id)).card
    assert card is not None
    await world.note(card, "9.1", by=Person(BEN.id, BEN.id))
    await world.settle_slack()
    seen = (await caveats_for(round_.id, by=ANA, context=world.reviews)).seen
    async with world.uow.begin() as tx:
        origin = await act(tx, card.channel)
        theirs = await edit(
            round_.id,
            "My draft.",
            by=ANA,
            context=world.reviews,
            seen=replace(seen, share=Share(8, 8)),
        )
        await refresh_card(origin, tx, NOW)
    await world.settle_slack()
    async with world.uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW)
        await tx.round(theirs.id)
        await change_note(card.channel, "9.1", text="Hm.", edited_ts="9.3", context=world.reviews)
        await delete_note(card.channel, "9.1", context=world.reviews)
    assert EffectKind.REFRESH in await world.effects() or act is deleted
    view = (await world.uow.read.posting(theirs.id)).view
    assert (view.round.state, view.notes) == (State.WAITING, 0)


async def test_a_decision_waits_for_a_notification(world: World, waiting: Round) -> None:
    async with world.uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW, activity=1)
        _, latest = await tx.open_review(a_review(id="candidate"))
        assert latest == waiting
        decision = await started(world, world.decide(waiting.id))
    assert (await decision).state is State.DECIDED


async def test_lost_time_and_decisions_never_wait_for_each_other(world: World) -> None:
    first = await opened(world, SENT_BACK)
    second = (await world.notify(execution_id="e-2")).round
    await world.settle_slack()
    await world.outbox.note_alive(now=world.clock(), compare=False)
    async with world.uow.begin() as tx:
        await tx.cancel(second.id)
        counting = await started(
            world, world.outbox.note_alive(now=world.clock() + DAY, compare=True)
        )
        await tx.cancel(first.id)
    assert await counting == DAY


async def test_placing_a_card_and_a_newer_output_never_wait_for_each_other(
    world: World, waiting: Round
) -> None:
    async with world.uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW, activity=1)
        placing = await started(world, place_card(world, waiting))
        (round_,) = await tx.unfinished("research", "e-1")
        await tx.save(round_.supersede(NOW).round)
    await placing
    posting = await world.uow.read.posting(waiting.id)
    assert posting.view.round.state is State.SUPERSEDED
    assert posting.card is not None


async def test_a_notification_and_the_end_never_wait_for_each_other(
    world: World, waiting: Round
) -> None:
    async with world.uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW, activity=1)
        notification = await started(world, world.notify("Another draft."))
        (round_,) = await tx.unfinished("research", "e-1")
        await tx.save(round_.close(ExecutionEnded(), NOW).round)
    assert (await notification).round.number == 2
    assert (await world.round(waiting.id)).state is State.CLOSED


async def test_the_end_waits_for_a_notification_and_closes_what_it_opened(
    world: World, waiting: Round
) -> None:
    async with world.uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW, activity=1)
        await tx.open_review(a_review(id="candidate"))
        end = await started(world, world.record_update(ended="the execution has ended"))
    await end
    assert (await world.round(waiting.id)).state is State.CLOSED


async def test_who_waits_for_an_escalation_reads_the_round_under_its_rule(world: World) -> None:
    """Escalating changes the row of `rules` that a round refers to."""
    round_ = await opened(world, ALL)
    async with world.uow.begin() as tx:
        waiting = await tx.round(round_.id)
        click = await started(world, world.decide(round_.id))
        await tx.save(waiting.escalate(NOW).round)
    counted = await click
    assert (counted.state, counted.rule) == (State.WAITING, round_.rule)
    assert (await world.round(round_.id)).rule == round_.rule


async def test_so_does_what_reads_all_rounds_of_an_execution(world: World) -> None:
    round_ = await opened(world, ALL)

    async def unfinished() -> list[Rule | None]:
        async with world.uow.begin() as tx:
            return [one.rule for one in await tx.unfinished("research", "e-1")]

    async with world.uow.begin() as tx:
        waiting = await tx.round(round_.id)
        reading = await started(world, unfinished())
        await tx.save(waiting.escalate(NOW).round)
    assert await reading == [round_.rule]


async def test_and_a_request_of_a_flow_that_comes_again(world: World) -> None:
    world.crews["research"] = a_crew(rules=(ALL,))
    round_ = (await world.ask()).round
    async with world.uow.begin() as tx:
        waiting = await tx.round(round_.id)
        again = await started(world, world.ask())
        await tx.save(waiting.escalate(NOW).round)
    assert (await again).round.rule == round_.rule


async def test_who_decides_is_read_after_a_kickoff_that_is_stored_meanwhile(world: World) -> None:
    key = "inputs.boss"
    world.crews["research"] = a_crew(rules=(a_rule(reviewers_from=key),))
    async with world.uow.begin() as tx:
        await tx.executions.record_kickoff("k-1", "research", None, at=world.clock())
    pending = (await world.notify()).round
    world.clock.advance(DAY)
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", "e-1", at=NOW)
        naming = await started(world, name_reviewer(pending, world.context))
        await tx.executions.save(replace(execution, named=((key, CAI.id),)))
        await tx.executions.forget_kickoff("k-1")
    await naming
    rule = (await world.round(pending.id)).rule
    assert rule is not None
    assert rule.reviewers == (User(CAI.id),)


async def place_card(world: World, round_: Round) -> None:
    async with world.uow.begin() as tx:
        await tx.place_card(round_, MessageRef("C1", "1.0", "1.0"), at=NOW, shown=100)


WEBHOOK, NEXT_WEBHOOK = (an_effect(EffectKind.FORWARD, target=name) for name in ("w-1", "w-2"))


async def test_a_webhook_does_not_wait_behind_one_that_ends_meanwhile(world: World) -> None:
    await put(world.uow, WEBHOOK)
    (job,) = await lease(world.outbox, to=WEBHOOK.destination)
    async with world.uow.begin() as tx:
        await tx.complete(job)
        storing = await started(world, put(world.uow, NEXT_WEBHOOK))
    await storing
    (job,) = await lease(world.outbox, to=WEBHOOK.destination)
    assert job.effect == NEXT_WEBHOOK


async def test_a_webhook_that_ends_lets_go_what_was_put_behind_it_meanwhile(world: World) -> None:
    await put(world.uow, WEBHOOK)
    (job,) = await lease(world.outbox, to=WEBHOOK.destination)

    async def store() -> None:
        async with world.uow.begin() as tx:
            await tx.enqueue([NEXT_WEBHOOK], at=NOW)
            tx.audit.add(Entry(Code.STARTED, BOT, {}))

    async with world.engines.write.begin() as connection:
        # The entry is stored after the webhook, just before the commit.
        await connection.execute(sa.text("LOCK TABLE audit_entries IN SHARE MODE"))
        storing = await started(world, store())
        ending = await started(world, done(world.uow, job), beside=1)
    await asyncio.gather(storing, ending)
    (job,) = await lease(world.outbox, to=WEBHOOK.destination)
    assert job.effect == NEXT_WEBHOOK


async def test_a_resume_begins_after_a_webhook_that_came_before_it(
    world: World, waiting: Round
) -> None:
    """Only what comes after the beginning of a try is evidence of it."""
    await world.decide(waiting.id)
    async with world.uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW, activity=1)
        resuming = await started(world, world.turn(CREW))
        assert await tx.unfinished("research", "e-1")
    await resuming
    execution, sent = await world.execution(), await world.round(waiting.id)
    assert sent.activity_before == execution.activity_count == 2


async def test_one_of_two_first_outputs_of_an_execution_is_its_first(world: World) -> None:
    async with world.engines.write.begin() as connection:
        # Entries are stored just before the commit.
        await connection.execute(sa.text("LOCK TABLE audit_entries IN SHARE MODE"))
        one = await started(world, world.notify())
        other = await started(world, world.notify(task_id="check"), beside=1)
    await asyncio.gather(one, other)
    opened = await world.entries(Code.OPENED)
    assert [entry["data"]["first"] for entry in opened] == [True, False]


async def test_a_press_that_two_bots_got_counts_once(world: World) -> None:
    round_ = await opened(world, ALL)
    before = len(await world.effects())
    async with world.uow.begin() as tx:
        waiting = await tx.round(round_.id)
        one = await started(world, world.pressed("1.1", world.decide(waiting.id)))
        other = await started(world, world.pressed("1.1", world.decide(waiting.id)), beside=1)
    assert (await one).votes == (await other).votes == (await world.round(round_.id)).votes
    assert len(await world.effects()) == before + 1


async def test_a_press_that_comes_again_while_it_is_taken_back_does_not_count(
    world: World,
) -> None:
    round_ = await opened(world, ALL)
    await world.pressed("1.1", world.decide(round_.id))
    async with world.uow.begin() as tx:
        waiting = await tx.round(round_.id)
        again = await started(world, world.pressed("1.1", world.decide(round_.id)))
        await tx.save(waiting.press(ANA.id, "1.2").take_back(ANA.id).round)
    with pytest.raises(PressRepeated):
        await again
    assert (await world.round(round_.id)).votes == ()


async def test_a_claim_that_two_bots_got_counts_once(world: World) -> None:
    round_ = await opened(world, ALL)
    before = len(await world.effects())
    async with world.uow.begin() as tx:
        await tx.round(round_.id)
        acts = [claim(round_.id, by=ANA, context=world.reviews) for _ in range(2)]
        both = [
            await started(world, world.pressed("1.1", act), beside=beside)
            for beside, act in enumerate(acts)
        ]
    first, again = await asyncio.gather(*both, return_exceptions=True)
    assert {type(first), type(again)} == {Round, PressRepeated}
    assert len(await world.effects()) == before + 2

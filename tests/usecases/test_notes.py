"""Notes in the thread, claims, and the queue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from crewgate.domain.caveats import Draft, Note, Seen, added
from crewgate.domain.effects import UPDATES, EffectKind
from crewgate.domain.errors import AlreadyDecided, NotAReviewer
from crewgate.domain.outcome import NotSent, Refused
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import FEEDBACK_LIMIT, Person, Revise
from crewgate.usecases.decide import take_back
from crewgate.usecases.notes import change_note, claim, delete_note, draft_for, keep_note
from crewgate.usecases.queries import PAGE, queue
from crewgate.usecases.read_models import MessageRef
from tests.builders import ANA, BEN, EVE, SECOND, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import AWAY, Fault
from tests.usecases.world import POSTS, World

pytestmark = both


async def a_card(world: World, **changes: str) -> Round:
    received = await world.notify(**changes)
    await world.settle_slack()
    return await world.round(received.round.id)


async def write(
    world: World,
    round_: Round,
    text: str = "Shorter.",
    *,
    by: Person = ANA,
    ts: str = "9.1",
    at: datetime | None = None,
    meanwhile: Callable[[], Awaitable[object]] | None = None,
) -> Note | None:
    posting = await world.uow.read.posting(round_.id)
    assert posting.card is not None
    context = world.reviews
    if meanwhile is not None:
        overtaken: Any = Overtaken(world, meanwhile)
        context = replace(context, uow=overtaken)
    ref = replace(posting.card, ts=ts)
    return await keep_note(ref, by=by, text=text, context=context, at=at)


async def the_draft(world: World, round_: Round) -> Draft:
    return await draft_for(round_, context=world.reviews)


async def test_a_note_is_kept_acknowledged_and_offered_once(world: World) -> None:
    world.slack.names = {ANA.id: "Ana"}
    round_ = await a_card(world)
    unnamed = Person(ANA.id, ANA.id)

    assert await write(world, round_, by=unnamed)
    assert await write(world, round_, by=unnamed) is None
    assert await world.effects() == [EffectKind.REFRESH, EffectKind.ACKNOWLEDGE_NOTE]
    await world.settle_slack()
    await write(world, round_, "Clearer.", by=ANA, ts="9.2")
    await world.settle_slack()

    assert [call for call in world.slack.calls if call.startswith(("react", "offer"))] == [
        "react 9.1",
        "offer 9.1",
        "react 9.2",
    ]
    view = (await world.uow.read.posting(round_.id)).view
    assert (view.notes, view.noted_by) == (2, (ANA,))
    assert (await the_draft(world, round_)).text == "Ana: Shorter.\n\nAna: Clearer."


async def test_others_notes_are_left_beside_the_box_and_get_no_offer(world: World) -> None:
    round_ = await a_card(world)
    await write(world, round_, by=EVE)
    await world.settle_slack()

    found = await the_draft(world, round_)

    assert found.text == ""
    assert [note.by for note in found.left] == [EVE]
    assert not found.overflowed
    assert not [call for call in world.slack.calls if call.startswith("offer")]


async def test_what_does_not_fit_is_left_whole(world: World) -> None:
    round_ = await a_card(world)
    await write(world, round_, "x" * 2_000, ts="9.1")
    world.clock.advance(timedelta(seconds=1))
    await write(world, round_, "y" * 2_000, ts="9.2")

    found = await the_draft(world, round_)

    assert found.overflowed
    assert len(found.text) <= FEEDBACK_LIMIT
    assert [note.text for note in found.left] == ["y" * 2_000]
    assert added(found.text, found.left[0]) is None


async def test_a_note_belongs_to_the_task_whose_card_was_the_last_above_it(world: World) -> None:
    """Of two tasks that wait in one thread, by Slack's own times: the cards are at 1.0 and 2.0."""
    first = await a_card(world)
    second = await a_card(world, task_id="facts")

    async def belongs(ts: str, to: Round, *, at: datetime | None = None) -> None:
        note = await write(world, first, ts=ts, at=at)
        assert note is not None
        assert note.round_id == to.id

    await belongs("1.5", first)
    await belongs("2.5", second)
    newer = (await world.notify("Other facts.", task_id="facts")).round
    await belongs("2.6", newer)  # its card comes after that
    await world.settle_slack()
    written = world.clock()
    world.clock.advance(SECOND)
    await world.decide(newer.id, Revise("Shorter."), by=ANA)

    await belongs("9.1", first)
    await belongs("1.6", first, at=written)
    assert await write(world, first, ts="9.2", at=written) is None
    await world.decide(first.id, Revise("Shorter."), by=ANA)
    assert await write(world, first, ts="1.7", at=written) is None


async def test_edits_and_deletions_are_followed_in_whatever_order_they_come(world: World) -> None:
    round_ = await a_card(world)
    await write(world, round_)
    note = await world.uow.read.notes.note("C0REVIEWS", "9.1")
    assert note is not None
    channel = note.channel

    async def edit(text: str, edited_ts: str, ts: str = "9.1") -> None:
        await change_note(channel, ts, text=text, edited_ts=edited_ts, context=world.reviews)

    await edit("Second.", "9.3")
    await edit("First.", "9.2")
    await edit("Nobody's.", "9.4", ts="0.0")
    assert (await the_draft(world, round_)).text == "Ana: Second."

    await delete_note(channel, "9.1", context=world.reviews)
    await edit("Third.", "9.5")
    assert await write(world, round_) is None
    assert await the_draft(world, round_) == Draft("", ())
    await world.settle_slack()
    assert "react 9.1" not in world.slack.calls


async def test_what_is_written_elsewhere_or_after_the_decision_is_no_note(world: World) -> None:
    round_ = await a_card(world)
    await write(world, round_, ts="9.1")
    await world.decide(round_.id, Revise("Shorter."))
    await world.settle_slack()

    assert await write(world, round_, ts="9.2") is None
    await delete_note("C0REVIEWS", "9.1", context=world.reviews)
    assert EffectKind.REFRESH not in await world.effects()
    assert "offer 9.1" not in world.slack.calls


@dataclass
class Overtaken:
    """Transactions that find the waiting round before another change, and lock it after that."""

    world: World
    meanwhile: Callable[[], Awaitable[object]]

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        seen = list(await self.world.waiting())
        await self.meanwhile()
        async with self.world.uow.begin() as tx:

            async def waiting_in(ref: MessageRef, *, at: datetime) -> Round | None:
                return seen.pop() if seen else await tx.notes.waiting_in(ref, at=at)

            notes = SimpleNamespace(waiting_in=waiting_in, keep=tx.notes.keep)
            yield SimpleNamespace(notes=notes, round=tx.round, enqueue=tx.enqueue)

    @property
    def read(self) -> Any:
        return self.world.uow.read


async def test_a_note_that_a_decision_overtakes_is_none(world: World) -> None:
    round_ = await a_card(world)

    assert await write(world, round_, meanwhile=lambda: world.decide(round_.id)) is None

    assert (await world.round(round_.id)).state is State.DECIDED
    assert await world.uow.read.notes.note("C0REVIEWS", "9.1") is None
    assert EffectKind.ACKNOWLEDGE_NOTE not in await world.effects()


async def test_a_note_that_a_newer_output_overtakes_is_about_that_one(world: World) -> None:
    round_ = await a_card(world)
    newer: list[Round] = []

    async def go_on() -> None:
        newer.append(await a_card(world, text="Another draft."))

    note = await write(world, round_, meanwhile=go_on)

    assert note is not None
    assert note.round_id == newer[0].id
    assert await world.uow.read.notes.of_round(round_.id, limit=9) == ()
    assert (await the_draft(world, newer[0])).text == "Ana: Shorter."


async def test_a_reaction_waits_for_slack_and_a_refused_one_is_let_go(world: World) -> None:
    round_ = await a_card(world)
    await write(world, round_)
    for destination in (POSTS, UPDATES):  # the card
        await world.turn(destination)
    slow = NotSent("Slack asks to slow down", SECOND, alone=True)
    world.slack.faults.extend([Fault(AWAY), Fault(slow)])

    assert await world.turn() == [AWAY]
    assert await world.turn() == [slow]
    assert await world.turn() == []
    world.clock.advance(SECOND)
    world.slack.faults.append(Fault(Refused("already_reacted", "")))
    await world.settle_slack()

    assert await world.effects() == []
    assert "offer 9.1" in world.slack.calls


async def test_a_claim_holds_for_half_an_hour_and_ends_by_itself(world: World) -> None:
    round_ = await a_card(world)

    async def take(by: Person) -> None:
        await claim(round_.id, by=by, context=world.reviews)

    await take(BEN)
    await take(ANA)
    await world.settle_slack()
    held = (await world.uow.read.posting(round_.id)).view.claim
    assert held is not None
    assert held.by == ANA
    assert held.holds(world.clock())
    assert await world.effects() == [EffectKind.EXPIRE_CLAIM, EffectKind.EXPIRE_CLAIM]
    with pytest.raises(NotAReviewer):
        await take(EVE)
    world.clock.advance(timedelta(minutes=30))
    await world.settle_slack()
    assert not held.holds(world.clock())
    assert await world.effects() == []
    await world.decide(round_.id)
    with pytest.raises(AlreadyDecided):
        await take(ANA)


async def test_a_claim_ends_with_the_approval_of_whoever_made_it(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    round_ = await a_card(world)
    for by, holds in ((ANA, False), (BEN, True)):
        await claim(round_.id, by=by, context=world.reviews)
        await world.decide(round_.id, by=ANA, seen=Seen(claimed_by=by.id))
        found = (await world.uow.read.posting(round_.id)).view.claim
        assert (found is not None) is holds
        await take_back(round_.id, by=ANA, context=world.reviews)


async def test_the_queue_is_walked_part_by_part(world: World) -> None:
    for number in range(PAGE + 5):
        await world.notify(execution_id=f"e-{number:02}")
        world.clock.advance(timedelta(seconds=1))
    first = (await world.waiting())[0]
    await world.decide(first.id)

    async def page(number: int, user: str = ANA.id) -> tuple[list[int], int, int]:
        found = await queue(user, page=number, context=world.reviews)
        parts = (found.mine, found.stuck, found.others, found.decided)
        return [len(part.lines) for part in parts], found.page, found.pages

    assert await page(0) == ([PAGE, 0, 0, 0], 0, 2)
    assert await page(7) == ([4, 0, 0, 1], 1, 2)
    world.directory.channels["C0REVIEWS"] = {EVE.id}  # she reads, as a member of the channel
    assert await page(0, EVE.id) == ([0, 0, PAGE, 0], 0, 2)
    world.clock.advance(timedelta(days=1, seconds=1))
    assert await page(1) == ([4, 0, 0, 0], 1, 2)


async def test_an_empty_queue_has_one_page(world: World) -> None:
    found = await queue(ANA.id, page=0, context=world.reviews)
    assert (found.page, found.pages, found.mine.total) == (0, 1, 0)

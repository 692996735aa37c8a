"""Approve asks before it overlooks something: notes, somebody who is on it, what was not read."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.demo.environment import ANA, BEN, CHANNEL
from crewgate.slack.reviews.listeners import DOUBLE_CLICK
from tests.journeys.conftest import AT_ONCE, MakeWorld, World, says_delivered
from tests.journeys.people import box, home, modal
from tests.journeys.test_rules import Skewed
from tests.standins.workspace import HANG, Message, Workspace, buttons, error, message_text

ASKS = "Before you approve"
LONG = "\n\n".join(f"Line {number} says something." for number in range(900))


@pytest.fixture
def clock() -> Skewed:
    return Skewed()


@pytest.fixture
async def patient(make_world: MakeWorld, clock: Skewed) -> AsyncIterator[World]:
    """A world whose clock a test puts ahead, as for somebody who waits before a second click."""
    async with make_world(replace(AT_ONCE, clock=clock)) as built:
        yield built


async def a_card_with_a_note(world: World, text: str = "No!\nIt is wrong.") -> Message:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.write(BEN, CHANNEL, text, card.ts)
    return await world.shown(card, "1 note from")


async def test_notes_that_wait_are_shown_before_an_approval_which_counts_once(
    patient: World, clock: Skewed, capsys: pytest.CaptureFixture[str]
) -> None:
    world = patient
    card = await a_card_with_a_note(world)

    await world.slack.click(ANA, card, "Approve")
    asks = await modal(world, ANA, "1 note waits in the thread. It will not be sent.")
    assert asks.content["title"]["text"] == ASKS
    assert f"<@{BEN}>: No!" in asks.shown
    assert "wrong" not in asks.shown
    assert "output" not in asks.shown
    assert asks.content["submit"]["text"] == "Revise"
    assert buttons(asks) == ["Approve anyway", "Read all"]
    await world.slack.close_modal(ANA)
    assert buttons(world.slack.fresh(card))[0] == "Approve"
    assert not world.crew.requests

    await world.slack.click(ANA, card, "Approve")
    asks = await modal(world, ANA, "1 note")
    replies = await asyncio.gather(
        *(world.slack.click(ANA, asks, "Approve anyway") for _ in range(2))
    )
    clock.later += 2 * DOUBLE_CLICK
    await world.slack.click(ANA, card, "Approve")
    decided = await world.delivered(card)

    assert all(reply.ok for reply in replies)
    assert "Approved by" in (await modal(world, ANA, "Recorded")).shown
    await world.slack.close_modal(ANA)
    assert not world.slack.open_modals(ANA)
    assert "you need not press again" in await world.told(ANA)
    assert "1 note was not sent" in message_text(decided)
    assert [resume.human_feedback for resume in world.crew.resumes] == ["Approved."]
    assert capsys.readouterr().out.count("] decided ") == 1
    await world.slack.overflow(BEN, decided, "History")
    await modal(world, BEN, "1 note was not sent")


async def test_asking_for_changes_instead_takes_the_notes(world: World) -> None:
    card = await a_card_with_a_note(world)
    await world.slack.click(ANA, card, "Approve")
    await world.slack.submit(ANA, view=await modal(world, ANA, "1 note"))
    form = await modal(world, ANA, "What should change?")
    assert "No!" in box(form)
    await world.slack.submit(ANA)

    assert not world.slack.open_modals(ANA)
    await world.crew.until(lambda: world.crew.resumes)
    assert not world.crew.resumes[0].is_approve


async def test_somebody_who_is_on_it_is_named(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(BEN, card, "I'm on it")
    card = await world.shown(card, "is on it")

    await world.slack.click(ANA, card, "Approve")

    asks = await modal(world, ANA, f"<@{BEN}> is on it")
    await world.slack.click(BEN, card, "Approve")  # it is his own
    await world.delivered(card)
    await world.slack.click(ANA, asks, "Approve anyway")
    late = await modal(world, ANA, "That did not work")
    assert f"<@{BEN}> approved this" in late.shown
    assert len(world.crew.resumes) == 1


async def test_an_excerpt_is_asked_about_unless_it_was_read_to_its_end(world: World) -> None:
    await world.pause("draft", LONG)
    card = await world.card("Line 0")

    await world.slack.click(ANA, card, "Approve")
    asks = await modal(world, ANA, f"This card shows the first 1,488 of {len(LONG):,} characters")
    assert buttons(asks) == ["Approve anyway", "Revise"]
    await world.slack.submit(ANA, view=asks)
    view = await modal(world, ANA, "Page 1 of")
    first = view.shown
    await world.slack.click(ANA, view, "Approve")
    asks = await modal(world, ANA, "You have seen the first 6,000")
    assert asks.id == view.id, "It takes the place of what she reads."
    await world.slack.submit(ANA, view=asks)
    view = await modal(world, ANA, "Page 2 of")

    page, seen = 2, first + view.shown
    while "Next page" in buttons(view):
        await world.slack.click(ANA, view, "Next page")
        page += 1
        view = await modal(world, ANA, f"Page {page} of")
        seen += view.shown
    assert all(line in seen for line in LONG.split("\n\n"))
    assert f"Read all ({page} pages)" in buttons(card)
    await world.slack.click(BEN, card, "Approve")
    await modal(world, BEN, "This card shows the first 1,488 of")  # he has not read it
    await world.slack.click(ANA, view, "Previous page")
    view = await modal(world, ANA, f"Page {page - 1} of")
    await world.slack.click(ANA, view, "Approve")
    asks = await modal(world, ANA, f"*You turned {page - 1} pages in ")  # from the second one on
    await world.slack.submit(ANA, view=asks)
    view = await modal(world, ANA, f"Page 1 of {page}")
    await world.slack.click(ANA, view, "Approve")
    asks = await modal(world, ANA, f"*You turned {page - 1} pages in ")
    await world.slack.click(ANA, asks, "Approve anyway")
    await world.delivered(card)


async def test_columns_beyond_the_edge_are_asked_about_until_they_are_read(
    patient: World, clock: Skewed
) -> None:
    world = patient
    row = "| " + " | ".join(f"cell {number}" for number in range(10)) + " |\n"
    await world.pause("draft", f"{row}{'|---' * 10}|\n{row}")
    card = await world.card("10 columns: *Read all* shows them row by row")
    await world.slack.click(ANA, card, "Approve")
    asks = await modal(world, ANA, "*Columns of a table are beyond a phone's edge.*")
    await world.slack.submit(ANA, view=asks)
    view = await modal(world, ANA, "cell 9")
    clock.later = timedelta(seconds=10)
    await world.slack.click(ANA, view, "Approve")
    await world.delivered(card)


async def test_home_asks_where_a_row_shows_no_more_than_the_beginning_unless_it_was_read(
    patient: World, clock: Skewed
) -> None:
    """The card shows all of it; who decides in Home has not seen that."""
    world = patient
    await world.pause("draft", "The supplier delivers in May. " * 20 + "The customer waives all.")
    card = await world.card("The customer waives all.")
    await world.slack.open_home(ANA)
    seen = await home(world, ANA, " …")

    await world.slack.click(ANA, seen, "Approve")
    asks = await modal(world, ANA, "This row shows the first 154 of 624 characters")
    assert not world.crew.requests
    await world.slack.submit(ANA, view=asks)
    await modal(world, ANA, "The customer waives all.")
    await world.slack.close_modal(ANA)
    clock.later = timedelta(seconds=15)

    await world.slack.click(ANA, seen, "Approve")
    await world.delivered(card)


async def test_an_empty_output_is_asked_about_everywhere(world: World) -> None:
    await world.pause("draft", " ")
    card = await world.card("The output is empty")
    await world.slack.open_home(ANA)
    for surface in (card, await home(world, ANA, "The output is empty.")):
        await world.slack.click(ANA, surface, "Approve")
        asks = await modal(world, ANA, "There is nothing to approve.")
        assert not world.crew.requests
        await world.slack.submit(ANA, view=asks)
        await modal(world, ANA, "What should change?")
        await world.slack.close_modal(ANA)
    await world.slack.overflow(ANA, card, "Read all")
    await world.slack.click(ANA, await modal(world, ANA, "wrote nothing"), "Approve")
    await world.slack.click(ANA, await modal(world, ANA, "There is nothing"), "Approve anyway")
    await world.delivered(card)


async def test_what_comes_meanwhile_is_asked_about_and_a_comment_is_kept(world: World) -> None:
    card = await a_card_with_a_note(world)
    world.slack.fail("views.open", error("expired_trigger_id"))
    await world.slack.click(ANA, card, "Approve")
    assert "Nothing is decided yet" in await world.told(ANA)

    await world.slack.overflow(ANA, card, "Approve with a comment…")
    form = await modal(world, ANA, "1 note waits")
    assert "next tasks" in form.shown
    empty = await world.slack.submit(ANA, {"feedback": "  "})
    assert "Write the comment" in empty.errors["feedback"]
    await world.slack.write(BEN, CHANNEL, "Wait, please.", card.ts)
    await world.shown(card, "2 notes from")

    await world.slack.submit(ANA, {"Your comment": "Mind the budget."}, form)
    again = await modal(world, ANA, "2 notes wait")
    assert "Something has changed" in again.shown
    await world.slack.write(BEN, CHANNEL, "Please.", card.ts)
    await world.shown(card, "3 notes from")
    await world.slack.submit(ANA)
    again = await modal(world, ANA, "3 notes wait")
    assert "Something has changed" in again.shown
    assert "Please." in again.shown
    assert not world.crew.requests
    await world.slack.submit(ANA)

    assert "3 notes were not sent" in message_text(await world.delivered(card))
    [resume] = world.crew.resumes
    assert (resume.is_approve, resume.human_feedback) == (True, "Mind the budget.")


async def test_a_second_click_as_slack_is_slow_is_told_that_the_first_counts(
    patient: World, clock: Skewed, capsys: pytest.CaptureFixture[str]
) -> None:
    world = patient
    await world.pause()
    card = await world.card("A draft")
    world.slack.fail("chat.update", HANG)

    for _ in range(2):
        assert (await world.slack.click(ANA, card, "Approve")).ok
        clock.later += 2 * DOUBLE_CLICK

    assert "Recorded" in await world.told(ANA)
    assert not says_delivered(world.slack.fresh(card))
    await world.slack.until(lambda: world.slack.faults.hanging)
    world.slack.release()
    await world.delivered(card)
    assert len(world.slack.ephemerals(ANA)) == 1
    assert len(world.crew.resumes) == 1
    assert capsys.readouterr().out.count("] decided ") == 1


async def test_a_second_click_in_home_is_told_so_too(patient: World, clock: Skewed) -> None:
    world = patient
    await world.pause()
    card = await world.card("A draft")
    await world.slack.open_home(ANA)
    seen = await home(world, ANA, "A draft")
    world.slack.fail("chat.update", HANG)

    for _ in range(2):
        await world.slack.click(ANA, seen, "Approve")
        clock.later += 2 * DOUBLE_CLICK

    assert "you need not press again" in (await modal(world, ANA, "Recorded")).shown
    await world.slack.until(lambda: world.slack.faults.hanging)
    world.slack.release()
    await world.delivered(card)
    assert len(world.crew.resumes) == 1


async def asked_about(world: World, card: Message) -> set[str]:
    """Return the types of the blocks that ask Ana about this card's note."""
    await world.slack.click(ANA, card, "Approve")
    asks = await modal(world, ANA, "1 note")
    kinds = {block["type"] for block in asks.content["blocks"] if "will not be sent" in str(block)}
    await world.slack.close_modal(ANA)
    return kinds


async def test_what_could_be_overlooked_stands_in_an_alert(world: World) -> None:
    card = await a_card_with_a_note(world)
    await world.slack.until(lambda: world.slack.calls_of("blocks.validate"))

    assert await asked_about(world, card) == {"alert"}

    # The workspace refuses what `blocks.validate` took: one press is in vain.
    world.slack.world.unknown_blocks.add("alert")
    await world.slack.click(ANA, card, "Approve")
    assert "press the button again" in await world.told(ANA)
    assert await asked_about(world, card) == {"section"}
    await world.slack.click(ANA, card, "Approve")
    await world.slack.click(ANA, await modal(world, ANA, "1 note"), "Approve anyway")
    await world.delivered(card)


@pytest.mark.parametrize("tells", [True, False])
async def test_where_slack_takes_no_alerts_forms_are_plain(
    make_world: MakeWorld, *, tells: bool
) -> None:
    async with Workspace() as slack:
        slack.world.unknown_blocks.add("alert")
        if not tells:
            slack.fail("blocks.validate", error("unknown_method"), times=None)
        async with make_world(slack=slack) as world:
            card = await a_card_with_a_note(world)
            await slack.until(lambda: slack.calls_of("blocks.validate"))

            assert await asked_about(world, card) == {"section"}

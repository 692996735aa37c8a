"""A flow's question wherever people meet a review: Home, /crew, direct messages, the thread."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.demo.workspace import Message, buttons, message_text
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ASSIGNED, REVIEWERS, flow_world, question, says
from tests.journeys.people import home, modal
from tests.journeys.test_commands import ask

LABELS = ["✓ approved", "✕ rejected", "↺ needs_revision", "Answer in words"]


@pytest.fixture
async def flows(make_world: MakeWorld) -> AsyncIterator[World]:
    async with flow_world(make_world) as built:
        yield built


async def in_private(world: World, user: str, shows: str) -> Message:
    """The latest direct message to this person, once it shows this."""
    channel = world.slack.world.im(user).id
    found = await world.slack.until(
        lambda: [one for one in world.slack.messages(channel) if shows in message_text(one)]
    )
    return found[-1]


async def test_home_answers(flows: World) -> None:
    await flows.crew.ask(output="# Findings")
    card = await question(flows)
    await flows.slack.open_home(ANA)
    seen = await home(flows, ANA, "Waiting for you: 1")
    assert buttons(seen) == ["Refresh", *LABELS, "Read all"]
    await flows.slack.click(ANA, seen, "Read all")
    page = await modal(flows, ANA, "Findings")
    assert LABELS[0] in buttons(page)
    await flows.slack.close_modal(ANA)
    await flows.slack.click(ANA, seen, "✕ rejected")
    await home(flows, ANA, "Waiting for you: 0")
    await says(flows, card, "The flow goes on with the outcome “rejected”.")


async def test_home_asks_before_an_answer_beside_the_beginning_of_an_output(
    flows: World,
) -> None:
    await flows.crew.ask(output="The supplier delivers in May. " * 20)
    card = await question(flows)
    await flows.slack.open_home(ANA)
    seen = await home(flows, ANA, "Waiting for you: 1")
    await flows.slack.click(ANA, seen, "✓ approved")
    asks = await modal(flows, ANA, "You have seen the first 154 of 600 characters")
    await flows.slack.click(ANA, asks, "Answer anyway")
    await says(flows, card, "The flow goes on with the outcome “approved”.")


async def test_what_is_read_is_answered_there(flows: World) -> None:
    await flows.crew.ask(output="# Findings")
    card = await question(flows)
    await flows.slack.overflow(ANA, card, "Read all")
    await flows.slack.click(ANA, await modal(flows, ANA, "Findings"), "✓ approved")
    assert LABELS[0] not in buttons(await modal(flows, ANA, "answered “approved”"))
    await flows.slack.close_modal(ANA)
    await says(flows, card, "The flow goes on with the outcome “approved”.")
    await flows.slack.overflow(ANA, flows.slack.fresh(card), "History")
    assert "answered “approved”" in (await modal(flows, ANA, "answered")).shown


async def test_commands_tell_of_it(flows: World) -> None:
    await flows.crew.ask()
    card = await question(flows)
    assert "Review article" in await ask(flows, ANA, "pending")
    assert "Review article" in await ask(flows, ANA, "pending mine")
    assert "Review article" not in await ask(flows, CARL, "pending mine")
    assert "Round 1 of Review article" in await ask(flows, ANA, "status f-1")
    await flows.slack.click(ANA, card, "✓ approved")
    await says(flows, card, "The flow goes on")
    assert "answered “approved”" in await ask(flows, ANA, "status f-1")
    assert "Review article" not in await ask(flows, ANA, "pending")


async def test_a_direct_message_answers_and_follows(make_world: MakeWorld) -> None:
    async with flow_world(make_world, f'{ASSIGNED}\nnotify = "dm"') as flows:
        await flows.crew.ask(assigned="carl@example.com")
        private = await in_private(flows, CARL, "asks for an answer")
        assert buttons(private)[:4] == LABELS
        await flows.crew.flows.escalate("8401", assigned_to_email="ana@example.com")
        theirs = await in_private(flows, ANA, "asks for an answer")
        await flows.slack.click(ANA, theirs, "↺ needs_revision")
        answered = f"<@{ANA}> answered “needs_revision”"
        await flows.slack.until(
            lambda: (
                answered in message_text(flows.slack.fresh(private))
                and answered in message_text(flows.slack.fresh(theirs))
            )
        )
        assert [one.feedback for one in flows.crew.flows.answers] == ["needs_revision"]


async def test_many_outcomes_are_a_menu_everywhere(make_world: MakeWorld) -> None:
    emit = ["publish", "hold", "drop", "edit", "archive"]
    async with flow_world(make_world, f'{REVIEWERS}\nnotify = "dm"') as flows:
        for number, outcome in enumerate(emit[:4]):
            await flows.crew.ask(f"f-{number}", emit=emit, output=f"Draft {number}.")
            card = await question(flows, f"Draft {number}.")
            if number == 0:
                await flows.slack.overflow(ANA, card, outcome)
            elif number == 1:
                await flows.slack.overflow(ANA, await in_private(flows, ANA, "Draft 1"), outcome)
            elif number == 2:
                await flows.slack.open_home(ANA)
                seen = await home(flows, ANA, "Waiting for you: 1")
                await flows.slack.overflow(ANA, seen, outcome)
            else:
                await flows.slack.overflow(ANA, card, "Read all")
                await flows.slack.overflow(ANA, await modal(flows, ANA, "Draft 3"), outcome)
            await says(flows, card, f"The flow goes on with the outcome “{outcome}”.")
        assert [one.feedback for one in flows.crew.flows.answers] == emit[:4]


async def test_notes_ask_before_a_button_and_become_the_words(flows: World) -> None:
    await flows.crew.ask()
    card = await question(flows)
    await flows.slack.write(ANA, CHANNEL, "Shorter.", card.ts)
    await flows.shown(card, "1 note from")
    await flows.slack.click(BEN, card, "✓ approved")
    asks = await modal(flows, BEN, "1 note waits in the thread")
    assert "The answer will be “approved”." in asks.shown
    await flows.slack.close_modal(BEN)
    assert not tuple(flows.crew.flows.answers)

    await flows.slack.until(lambda: flows.slack.ephemerals(ANA))
    await flows.slack.click(ANA, flows.slack.ephemerals(ANA)[0], "Send as answer")
    await modal(flows, ANA, "A model on the flow's side will read this")
    await flows.slack.submit(ANA)
    await flows.slack.until(lambda: tuple(flows.crew.flows.answers))
    assert [one.feedback for one in flows.crew.flows.answers] == ["Ana: Shorter."]

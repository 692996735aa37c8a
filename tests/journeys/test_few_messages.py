"""One execution with two reviews and one revision takes five messages of the bot."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from crewgate.demo.crew import State
from crewgate.demo.environment import ANA, CHANNEL
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import Message, buttons, message_text
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import modal

MOST = 5


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world that crews reach."""
    port = free_port()
    async with make_world(port=port, PUBLIC_URL=f"http://127.0.0.1:{port}") as built:
        built.crew.human_input = None
        yield built


async def started_by_a_caller(world: World) -> None:
    status, _ = await world.post(
        "/crews/research/kickoff",
        json.dumps({"inputs": {"topic": "tea"}}).encode(),
        Authorization=f"Bearer {world.crew.token}",
        Content_Type="application/json",
    )
    assert status == 200


async def started_in_slack(world: World) -> None:
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    await modal(world, ANA, "Topic")
    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})


async def waiting(world: World, *decided: Message) -> Message:
    """The one card that waits, besides those that are decided, which may not show it yet."""

    def found() -> list[Message]:
        return [
            card
            for card in world.slack.messages(CHANNEL)
            if "Approve" in buttons(card) and card.ts not in {each.ts for each in decided}
        ]

    [card] = await world.slack.until(found)
    return card


async def reviewed(world: World) -> list[Message]:
    """Ask for changes once and approve twice; every message of the bot, once all is said."""
    first = await waiting(world)
    await world.slack.click(ANA, first, "Revise")
    await modal(world, ANA, "What should change?")
    await world.slack.submit(ANA, {"feedback": "Add a source."})
    second = await waiting(world, first)
    await world.slack.click(ANA, second, "Approve")
    third = await waiting(world, first, second)
    await world.slack.click(ANA, third, "Approve")
    [execution] = world.crew.executions
    await world.crew.until(lambda: execution.state is State.COMPLETED)
    await world.slack.until(lambda: any("has finished" in one for one in texts(world)))
    await world.slack.until(lambda: not any("Being sent" in one for one in texts(world)))
    return [message for message in world.slack.messages(CHANNEL) if message.bot]


def texts(world: World) -> list[str]:
    return [message_text(message) for message in world.slack.messages(CHANNEL)]


async def test_started_by_a_caller(world: World) -> None:
    await started_by_a_caller(world)
    messages = await reviewed(world)
    assert len(messages) <= MOST, [message_text(message) for message in messages]


async def test_started_in_slack(world: World) -> None:
    await started_in_slack(world)
    messages = await reviewed(world)
    assert len(messages) <= MOST, [message_text(message) for message in messages]
    result = message_text(messages[-1])
    assert f"<@{ANA}>" in result
    assert "The result is round 1 of *Board summary*" in result
    progress = await world.shown(messages[0], "Board summary")
    assert "Entry plan" in message_text(progress)

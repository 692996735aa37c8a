"""Starting a crew from Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.demo.crew import drop_after, status
from bot.demo.environment import ANA, CARL, CHANNEL
from bot.demo.workspace import View, message_text
from tests.journeys.conftest import MakeWorld, World
from tests.listener import free_port


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world that crews reach."""
    port = free_port()
    async with make_world(port=port, PUBLIC_URL=f"http://127.0.0.1:{port}") as built:
        built.crew.human_input = None
        yield built


async def modal(world: World, shows: str) -> View:
    def found() -> list[View]:
        return [view for view in world.slack.open_modals(ANA) if shows in str(view.content)]

    return (await world.slack.until(found))[-1]


async def form(world: World) -> View:
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    return await modal(world, "kickoff_input.topic")


async def test_a_crew_is_started_from_a_form_and_its_thread_begins_with_that(world: World) -> None:
    view = await form(world)
    assert "Topic" in str(view.content)

    reply = await world.slack.submit(ANA, {"kickoff_input.topic": "green <tea>"})

    assert reply.ok
    await modal(world, "has started")
    card = await world.card("Market research")
    first = world.slack.messages(CHANNEL)[0]
    assert card.thread_ts in {first.ts, None}
    [execution] = world.crew.executions
    assert execution.inputs == {"topic": "green <tea>"}
    lines = await world.slack.until(
        lambda: [m for m in world.slack.messages(CHANNEL) if "started by" in message_text(m)]
    )
    assert "green <tea>" in message_text(lines[0])
    assert f"<@{ANA}>" in message_text(lines[0])


async def test_who_may_not_start_a_crew_is_told_who_may(world: World) -> None:
    await world.slack.slash(CARL, CHANNEL, "/crew", "kickoff research")

    assert f"<@{ANA}>" in await world.told(CARL)
    assert not world.slack.open_modals(CARL)
    assert not world.crew.requests
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff nobody")
    assert "not set up here" in await world.told(ANA)


async def test_what_the_crew_misses_is_said_beside_the_field(world: World) -> None:
    await form(world)
    empty = await world.slack.submit(ANA, {"kickoff_input.topic": "  "})
    assert empty.errors == {"kickoff_input.topic": "The crew needs this."}
    world.crew.inputs = ("topic", "target_audience")

    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})

    view = await modal(world, "Target audience")
    assert "The crew needs this" in str(view.content)
    assert "tea" in str(view.content)
    values = {"kickoff_input.topic": "tea", "kickoff_input.target_audience": "all"}
    await world.slack.submit(ANA, values)
    await modal(world, "has started")
    assert len(world.crew.executions) == 1


async def test_a_crew_that_is_down_says_so_in_the_form(world: World) -> None:
    await form(world)
    await world.crew.go_down()
    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
    await modal(world, "connection refused")
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    await modal(world, "cannot be started now")

    assert not world.crew.executions
    assert not world.slack.messages(CHANNEL)


async def test_nobody_claims_to_know_whether_it_started(world: World) -> None:
    await form(world)
    world.crew.fail("/kickoff", how=drop_after())
    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
    await modal(world, "may have started")

    await form(world)
    world.crew.fail("/kickoff", how=status(200, {"hello": "world"}))
    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
    await modal(world, "names no execution")


async def test_without_a_public_url_the_form_says_so(make_world: MakeWorld) -> None:
    async with make_world() as world:
        await form(world)
        await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
        await modal(world, "PUBLIC_URL")

"""Kicking a crew off through the bot."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.demo.crew import status
from tests.journeys.conftest import MakeWorld, World
from tests.listener import free_port


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world that crews reach, at an address that is known before it listens."""
    port = free_port()
    async with make_world(port=port, PUBLIC_URL=f"http://127.0.0.1:{port}") as built:
        built.crew.human_input = None
        yield built


async def kick_off(world: World, **body: object) -> tuple[int, dict[str, object]]:
    body.setdefault("inputs", {"topic": "tea"})
    return await world.post(
        "/crews/research/kickoff",
        json.dumps(body).encode(),
        Authorization=f"Bearer {world.crew.token}",
        Content_Type="application/json",
    )


async def test_a_kickoff_through_the_bot_ends_in_a_review(world: World) -> None:
    status_, answer = await kick_off(world, taskWebhookUrl="http://127.0.0.1:9/task", meta={"a": 1})

    assert status_ == 200
    card = await world.card("Market research")
    execution = world.crew.execution(str(answer["kickoff_id"]))
    assert execution.inputs == {"topic": "tea"}
    assert execution.meta == {"a": 1}
    sent = world.crew.requests[0].body
    assert sent["taskWebhookUrl"] == "http://127.0.0.1:9/task"
    assert "/crews/research/events/crew/" in sent["crewWebhookUrl"]
    assert sent["humanInputWebhook"]["url"] == f"{world.url}/crews/research/human-input"

    await world.slack.click("U0ANA", card, "Approve")
    await world.crew.until(lambda: world.crew.resumes)
    urls = world.crew.resumes[0].urls
    assert urls.task == "http://127.0.0.1:9/task"
    assert urls.crew == sent["crewWebhookUrl"]


async def test_the_crews_own_refusals_are_passed_on_untouched(world: World) -> None:
    missing, why = await kick_off(world, inputs={})
    world.crew.fail("/kickoff", how=status(503, "later", headers={"Retry-After": "7"}))
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{world.url}/crews/research/kickoff",
            json={"inputs": {}},
            headers={"Authorization": f"Bearer {world.crew.token}"},
        ) as answer,
    ):
        assert (answer.status, await answer.text()) == (503, "later")
        assert answer.headers["Retry-After"] == "7"

    assert missing == 422
    assert why["details"] == {"missing_inputs": ["topic"]}

"""One crew feeds both Slack and its caller's own system."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from crewgate.demo.environment import ANA
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import message_text
from tests.journeys.conftest import MakeWorld, World
from tests.servers import serve, takes_posts


class Listener:
    """A caller's own system."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.got.append((request.path, body))
        headers = {"Location": f"{self.url}/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    async with serve(takes_posts("/{name}", listener.take)) as listener.url:
        yield listener


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    port = free_port()
    async with make_world(port=port, forward=True, PUBLIC_URL=f"http://127.0.0.1:{port}") as built:
        yield built


async def kick_off(world: World, **body: object) -> str:
    status, answer = await world.post(
        "/crews/research/kickoff",
        json.dumps({"inputs": {"topic": "tea"}, **body}).encode(),
        Authorization=f"Bearer {world.crew.token}",
        Content_Type="application/json",
    )
    assert status == 200
    return str(answer["kickoff_id"])


async def test_webhooks_are_forwarded_unchanged_and_in_order(
    world: World, listener: Listener
) -> None:
    listener.answers = [503, 500]
    await kick_off(
        world, taskWebhookUrl=f"{listener.url}/task", crewWebhookUrl=f"{listener.url}/crew"
    )
    await world.slack.click(ANA, await world.card("Market research"), "Approve")
    await world.slack.click(ANA, await world.card("Board summary"), "Approve")

    await world.slack.until(lambda: len(listener.got) == 4)

    assert [path for path, _ in listener.got] == ["/task", "/task", "/task", "/crew"]
    sent = [call.raw for call in world.crew.webhooks_sent if call.kind in {"task", "crew"}]
    assert [body for _, body in listener.got] == sent


async def test_a_redirect_is_not_followed_and_said_to_have_failed(
    world: World, listener: Listener
) -> None:
    listener.answers = [302]
    await kick_off(world, taskWebhookUrl=f"{listener.url}/task")
    await world.slack.click(ANA, await world.card("Market research"), "Approve")

    await world.slack.until(
        lambda: [
            m
            for m in world.slack.messages("C0REVIEWS")
            if "could not be forwarded" in message_text(m)
        ]
    )

    assert "/elsewhere" not in [path for path, _ in listener.got]


def event_url(world: World) -> str:
    """Where the crew announces its end, from the address on."""
    url: str = world.crew.requests[0].body["crewWebhookUrl"]
    return url.removeprefix(world.url)


async def test_a_result_over_a_mebibyte_is_handed_on_and_shown(
    world: World, listener: Listener
) -> None:
    execution = await kick_off(world, crewWebhookUrl=f"{listener.url}/crew")
    body = json.dumps({"kickoff_id": execution, "result": "Long. " * 400_000}).encode()

    status, _ = await world.post(event_url(world), body, Content_Type="application/json; charset=ü")

    assert status == 202
    await world.slack.until(lambda: listener.got)
    assert listener.got == [("/crew", body)]
    await world.slack.until(
        lambda: [m for m in world.slack.messages("C0REVIEWS") if "has finished" in message_text(m)]
    )

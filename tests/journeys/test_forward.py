"""One crew feeds both Slack and its caller's own system."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from crewgate.demo.changes import Changes
from crewgate.demo.environment import ANA
from crewgate.demo.servers import free_port
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import said
from tests.servers import serve, takes_posts


class Listener:
    """A caller's own system."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        self.url = ""
        self.changes = Changes()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.got.append((request.path, body))
            self.changes.announce("got", request.path)
        headers = {"Location": f"{self.url}/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    async with serve(takes_posts("/{name}", listener.take)) as listener.url:
        yield listener


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    async with make_world(port=free_port(), forward=True) as built:
        yield built


async def test_webhooks_are_forwarded_unchanged_and_in_order(
    world: World, listener: Listener
) -> None:
    listener.answers = [503, 500]
    await world.kick_off(
        taskWebhookUrl=f"{listener.url}/task", crewWebhookUrl=f"{listener.url}/crew"
    )
    await world.slack.click(ANA, await world.card("Market research"), "Approve")
    await world.slack.click(ANA, await world.card("Board summary"), "Approve")

    await listener.changes.until(lambda: len(listener.got) == 4, 5)

    assert [path for path, _ in listener.got] == ["/task", "/task", "/task", "/crew"]
    sent = [call.raw for call in world.crew.webhooks_sent if call.kind in {"task", "crew"}]
    assert [body for _, body in listener.got] == sent


async def test_a_redirect_is_said_to_have_failed_and_a_result_over_a_mebibyte_is_handed_on(
    world: World, listener: Listener
) -> None:
    listener.answers = [302]
    _, started = await world.kick_off(
        taskWebhookUrl=f"{listener.url}/task", crewWebhookUrl=f"{listener.url}/crew"
    )
    await world.slack.click(ANA, await world.card("Market research"), "Approve")
    await said(world, "could not be forwarded")
    assert "/elsewhere" not in [path for path, _ in listener.got]
    await world.card("Board summary")  # a pause after the end would open the execution again

    body = json.dumps({"kickoff_id": started["kickoff_id"], "result": "Long. " * 400_000}).encode()
    [sent] = [one.body for one in world.crew.requests if one.path == "/kickoff"]
    url = sent["crewWebhookUrl"].removeprefix(world.url)
    status, _ = await world.post(url, body, Content_Type="application/json; charset=ü")
    assert status == 202
    await said(world, "has finished")
    await listener.changes.until(lambda: ("/crew", body) in listener.got, 5)

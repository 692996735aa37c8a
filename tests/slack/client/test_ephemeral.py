"""An answer to a click that Slack does not take is lost, and nothing else."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.client.replies import Answer, answer_in_place, send_ephemeral
from crewgate.slack.client.web_api import keep_connections, new_client
from tests.servers import Handler, serve, takes_posts


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def answer_with_a_page(_: web.Request) -> web.Response:
    return web.Response(status=500, text="an injected fault")


@pytest.mark.parametrize("handler", [hang_up, answer_with_a_page])
async def test_a_lost_answer_raises_nothing(handler: Handler) -> None:
    async with serve(takes_posts("/respond", handler)) as url:
        respond = Answer(new_client(token="xoxb-1", base_url=url), f"{url}/respond")
        await send_ephemeral(respond, Message("Somebody was faster.", []))


async def test_an_answer_that_a_stop_cuts_off_raises_nothing() -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        asked.set()
        await over.wait()
        return web.Response()

    async with serve(takes_posts("/respond", hang)) as url:
        async with keep_connections() as session:
            client = new_client(token="xoxb-1", base_url=url, session=session)
            answering = asyncio.create_task(send_ephemeral(Answer(client, f"{url}/respond"), "Hm."))
            await asked.wait()
        over.set()
        await answering


async def test_an_answer_to_what_has_no_address_raises_nothing() -> None:
    await send_ephemeral(Answer(AsyncWebClient(), None), "Somebody was faster.")


CARD = {"type": "message", "channel_id": "C1", "message_ts": "2.0"}


@pytest.mark.parametrize(
    ("body", "thread"),
    [
        ({"container": CARD}, None),
        ({"container": {**CARD, "thread_ts": "1.0"}}, "1.0"),
        ({"container": {**CARD, "thread_ts": "2.0"}}, None),
        (
            {
                "container": {**CARD, "thread_ts": "1.0"},
                "message": {"ts": "2.0", "subtype": "thread_broadcast"},
            },
            None,
        ),
        ({"container": {"type": "view"}, "view": {}}, None),
        ({"command": "/crew"}, None),
    ],
)
async def test_a_press_in_a_thread_is_answered_there(
    body: dict[str, Any], thread: str | None
) -> None:
    said: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        said.append(await request.json())
        return web.Response()

    async def next_() -> None:
        await send_ephemeral(req.context["respond"], "Somebody was faster.")

    async with serve(takes_posts("/respond", take)) as url:
        whole = {**body, "response_url": f"{url}/respond"}
        req = AsyncBoltRequest(body=whole, mode="socket_mode")
        req.context["client"] = AsyncWebClient()
        await answer_in_place(req, next_)
    assert [one.get("thread_ts") for one in said] == [thread]

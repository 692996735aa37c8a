"""An answer to a click that Slack does not take is lost, and nothing else."""

from __future__ import annotations

import pytest
from aiohttp import web
from slack_bolt.context.respond.async_respond import AsyncRespond

from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.client.ephemeral import send_ephemeral
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
        respond = AsyncRespond(response_url=f"{url}/respond")
        await send_ephemeral(respond, Message("Somebody was faster.", []))

"""`crewgate health` and `check` believe an answer on the bot's port if it is a Crewgate's."""

import asyncio
from contextlib import suppress
from typing import Final

import pytest
from aiohttp import web

from crewgate.check.health import ask_health
from crewgate.settings.load import load
from tests.check.conftest import Ask
from tests.servers import serve
from tests.standins.crew import Crew
from tests.standins.settings import settings
from tests.standins.workspace import Workspace

DEEP: Final = "[" * 100_000
ODD: Final = (
    '{"status": "ok", "details": ["the cupboard is full"]}',
    '{"status": "ready", "details": "a text"}',
    '{"status": "ready", "details": {"a": "b"}}',
    '{"status": "ready", "details": [["a"], 7]}',
    '{"status": "ready", "details": 7}',
    '{"status": ["ready"]}',
    '{"details": []}',
    '"ready"',
    "[]",
    DEEP,
    '{"status": "ready", "details": ["%s"]}' % ("x" * 2**21),
)


def answers(body: str) -> web.Application:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    application = web.Application()
    application.router.add_get("/readyz", answer)
    return application


@pytest.mark.parametrize("body", ODD, ids=lambda body: body[:50])
async def test_another_program_on_the_port_of_the_bot_is_no_crewgate(
    slack: Workspace, crew: Crew, ask: Ask, body: str
) -> None:
    async with serve(answers(body)) as url:
        port = url.rsplit(":", 1)[1]
        chosen = load(settings(slack, crew) | {"HOST": "127.0.0.1", "PORT": port})
        found = await asyncio.to_thread(ask_health, chosen)
        _, said = await ask(HOST="127.0.0.1", PORT=port)

    assert found == (False, [f"what answers on port {port} is no Crewgate"])
    assert "the bot that runs here" not in "".join(said)


async def test_an_answer_that_comes_byte_by_byte_is_cut_off(slack: Workspace, crew: Crew) -> None:
    never = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Connection": "close"})
        await answer.prepare(request)
        for _ in range(200):
            await answer.write(b" ")
            with suppress(TimeoutError):
                await asyncio.wait_for(never.wait(), 0.01)
        await answer.write(b'{"status": "ready"}')
        return answer

    application = web.Application()
    application.router.add_get("/readyz", drip)
    async with serve(application) as url:
        port = url.rsplit(":", 1)[1]
        chosen = load(settings(slack, crew) | {"HOST": "127.0.0.1", "PORT": port})
        is_ready, said = await asyncio.to_thread(ask_health, chosen, seconds=0.2)
    assert not is_ready
    assert f"port {port}" in said[0]


async def test_check_tells_what_the_bot_says_about_itself(ask: Ask) -> None:
    body = '{"status": "not_ready", "version": "1", "details": ["room for 0 MiB only\\u001b[2J"]}'
    async with serve(answers(body)) as url:
        _, said = await ask(HOST="127.0.0.1", PORT=url.rsplit(":", 1)[1])
    assert "! the bot that runs here: room for 0 MiB only\\x1b[2J" in said

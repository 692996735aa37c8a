"""The memory that bodies of unknown senders may take."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from crewgate.network.requests import BodyBudget, read_body
from crewgate.web.context import explain_failures
from tests.servers import Stranger, serve


@pytest.fixture
async def url() -> AsyncIterator[str]:
    room = BodyBudget(size=1_000, small=10)

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=(await read_body(request, room=room)).content)

    app = web.Application(middlewares=[explain_failures])
    app.router.add_post("/", echo)
    async with serve(app, auto_decompress=False) as url:
        yield f"{url}/"


async def post(url: str, size: int) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=b"x" * size) as answer:
        text = await answer.text()
        assert text == "x" * size if answer.status == 200 else "too_busy" in text
        return answer.status


async def test_a_body_for_which_there_is_no_room_is_503(url: str) -> None:
    assert [await post(url, size) for size in (1_000, 1_001, 1_000)] == [200, 503, 200]


async def test_the_oldest_bodies_make_room_for_a_large_one_and_small_ones_need_none(
    url: str,
) -> None:
    oldest, older, newest = [
        await Stranger.begin(url, b"x" * size, Content_Length="2000") for size in (300, 300, 200)
    ]
    small = [await Stranger.begin(url, b"x" * 10, Content_Length="11") for _ in range(20)]
    assert await post(url, 10) == 200
    assert await post(url, 250) == 200
    answers = [asyncio.create_task(one.answer()) for one in (oldest, older, newest)]
    assert await answers[0] == (503, "too_busy")
    assert await post(url, 450) == 200
    assert await answers[1] == (503, "too_busy")
    assert not answers[2].done()
    answers[2].cancel()
    for stranger in (newest, *small):
        stranger.leave()

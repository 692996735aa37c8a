"""The memory that the bodies of one sender may take."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from crewgate.network.connections import Limits
from crewgate.network.requests import read_body
from crewgate.web.context import explain_failures
from tests.servers import Stranger, serve_limited


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """An address for two senders with 1,000 bytes each; with a query it waits with its answer."""

    async def echo(request: web.Request) -> web.Response:
        body = await read_body(request, of=request.match_info["of"])
        if request.query:
            await going.wait()
        return web.Response(body=body.content)

    async def go(_request: web.Request) -> web.Response:
        going.set()
        return web.Response()

    going = asyncio.Event()
    app = web.Application(middlewares=[explain_failures])
    app.router.add_post("/{of}", echo)
    app.router.add_get("/go", go)
    async with serve_limited(app, Limits(bodies=1_000, small=10)) as url:
        yield f"{url}/a"


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


async def test_a_body_takes_its_room_until_it_is_answered_and_none_of_others(url: str) -> None:
    answering = asyncio.create_task(post(f"{url}?wait", 900))
    stranger = await Stranger.begin(url, b"x" * 50, Content_Length="100")
    while await post(url, 900) == 200:
        pass
    assert await stranger.answer() == (503, "too_busy")
    assert not answering.done()
    assert await post(f"{url[:-1]}b", 900) == 200
    async with aiohttp.ClientSession() as session, session.get(f"{url[:-1]}go"):
        assert await answering == 200
    assert await post(url, 1_000) == 200


async def test_a_packed_body_takes_the_room_that_it_has_unpacked(url: str) -> None:
    packed = gzip.compress(b"x" * 1_001)
    headers = {"Content-Encoding": "gzip"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, data=packed) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]) == (503, "too_busy")

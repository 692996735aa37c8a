"""How much memory bodies may take that may be anybody's."""

import aiohttp
import pytest
from aiohttp import web

from crewgate.network.refusals import RequestRefused
from crewgate.network.request_body import Room, read_body
from crewgate.web.error_responses import explain_failures
from tests.servers import serve


def test_large_bodies_are_refused_while_others_take_the_room_and_small_ones_never() -> None:
    room = Room(size=100, small=10)
    with room.hold() as take:
        take(60)
        take(40)
        for _ in range(50):
            with room.hold() as small:
                small(5)
                small(5)
                with pytest.raises(RequestRefused):
                    small(1)
        with pytest.raises(RequestRefused):
            take(1)
    with room.hold() as take:
        take(100)


async def test_a_body_for_which_there_is_no_room_is_503() -> None:
    room = Room(size=1_000, small=10)

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=(await read_body(request, room=room)).content)

    app = web.Application(middlewares=[explain_failures])
    app.router.add_post("/", echo)
    async with serve(app, auto_decompress=False) as url, aiohttp.ClientSession() as session:
        for size, status in ((1_000, 200), (1_001, 503), (1_000, 200)):
            async with session.post(url, data=b"x" * size) as answer:
                assert answer.status == status
                expected = "x" * size if status == 200 else "too_busy"
                assert expected in await answer.text()

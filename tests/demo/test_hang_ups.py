"""A client that hangs up in the middle of a request is no error of the stand-ins."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from crewgate.demo.servers import forgive_hang_ups
from tests.servers import serve
from tests.standins.crew import Crew
from tests.standins.workspace import Workspace


@pytest.fixture(params=["workspace", "crew", "any"])
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async def read(asked: web.Request) -> web.Response:
        return web.Response(body=await asked.read())

    app = web.Application(middlewares=[forgive_hang_ups])
    app.router.add_route("*", "/{any:.*}", read)
    async with Workspace() as slack, Crew() as crew, serve(app) as any_:
        yield {"workspace": slack.api_url.rstrip("/"), "crew": crew.url, "any": any_}[request.param]


async def hang_up(address: str) -> None:
    """Send the half of a request, and reset the connection."""
    host, port = address.removeprefix("http://").split("/")[0].split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    path = "/api/auth.test" if address.endswith("/api") else "/resume"
    writer.write(f"POST {path} HTTP/1.1\r\nHost: {host}\r\n".encode())
    writer.write(b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        await answer.read()  # it is being read by now
    writer.transport.abort()
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        await answer.read()


async def test_it_leaves_no_traceback(address: str, caplog: pytest.LogCaptureFixture) -> None:
    await hang_up(address)
    assert [record for record in caplog.records if record.name == "aiohttp.server"] == []

"""The process's event loop: a host name that hangs holds up nobody else's."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from crewgate.network.client import open_client
from crewgate.network.untrusted_addresses import Lookups
from crewgate.runtime import EventLoop
from tests.resolver import Names
from tests.servers import serve

NOW = 0.02


@pytest.fixture
def names() -> Iterator[Names]:
    found = Names()
    yield found
    found.released.set()


def test_a_host_whose_name_hangs_delays_no_call_to_another(names: Names) -> None:
    """With the loop's own threads a handful of such calls would hold up every other."""

    async def call() -> tuple[int, list[object]]:
        app = web.Application()
        app.router.add_get("/", _answer)
        async with serve(app) as url, open_client(trust_env=False) as http:
            port = url.rpartition(":")[2]
            slow = [
                asyncio.create_task(http.get(f"http://slow-{number % 9}.example:{port}/"))
                for number in range(90)
            ]
            await asyncio.sleep(0)  # noqa: TID251  # lets them ask
            answer = await http.get(f"http://crew.example:{port}/")
            for task in slow:
                task.cancel()
            ends: list[Any] = await asyncio.gather(*slow, return_exceptions=True)
        return answer.status_code, ends

    with asyncio.Runner(loop_factory=lambda: EventLoop(Lookups(names))) as runner:
        status, ends = runner.run(call())

    assert status == 200
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", b"127.0.0.1"])
def test_an_address_is_no_name_to_be_looked_up(names: Names, address: str | bytes) -> None:
    async def ask() -> object:
        found = await asyncio.get_running_loop().getaddrinfo(address, 443)
        return found[0][4][:2]

    with asyncio.Runner(loop_factory=lambda: EventLoop(Lookups(names))) as runner:
        expected = address.decode() if isinstance(address, bytes) else address
        assert runner.run(ask()) == (expected, 443)

    assert names.asked == []


def test_the_loop_ends_while_a_name_hangs(names: Names) -> None:
    async def ask() -> None:
        async with open_client(trust_env=False) as http:
            with pytest.raises(httpx.ConnectError, match="in time"):
                await http.get("http://slow.example/")

    with asyncio.Runner(loop_factory=lambda: EventLoop(Lookups(names, deadline=NOW))) as runner:
        runner.run(ask())

    assert not names.released.is_set()


async def _answer(_request: web.Request) -> web.Response:
    return web.Response()

"""The acts of strangers against a host, and the addresses that a caller can have it call."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from crewgate.network.connections import Limits
from crewgate.network.untrusted_addresses import AddressInfo, Lookups
from tests.host.client import TOKEN, Listener
from tests.host.conftest import StartHost
from tests.host.standins import StandInCrew, StandInFlow


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a host."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/kickoff", 401), ("/resume", 401), ("/human_feedback_requests/x/respond", 404)],
)
async def test_a_strangers_body_is_not_waited_for(
    start_host: StartHost, path: str, status: int
) -> None:
    limits = Limits(leftover=0.01)  # a stop waits for it
    async with (
        start_host(StandInCrew(), limits=limits) as api,
        connected(api.url) as (reader, writer),
    ):
        writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n".encode())
        assert (await reader.readline()).startswith(f"HTTP/1.1 {status} ".encode())


async def test_an_answer_is_no_longer_than_what_people_write(
    start_host: StartHost, listener: Listener
) -> None:
    async with start_host(StandInFlow()) as api, aiohttp.ClientSession() as session:
        execution = await api.kick_off({})
        url = (await listener.pause(path="/flow/flow"))["callback_url"]
        too_long = {"feedback": "a" * 2**16, "source": "slack"}
        async with session.post(url, json=too_long) as refused:
            assert refused.status == 400
            assert "over 65,536 bytes" in (await refused.json())["message"]
        async with session.post(url, json={"feedback": "approved", "source": "slack"}) as taken:
            assert taken.status == 200
        await api.until(execution, "completed")


async def test_idle_connections_keep_nobody_out(start_host: StartHost) -> None:
    limits = Limits(connections=2)
    async with start_host(StandInCrew(), limits=limits) as api, AsyncExitStack() as idle:
        for _ in range(9):
            await idle.enter_async_context(connected(api.url))
        assert await api.call("GET", "/inputs") == (200, {"inputs": ["topic"]})


async def test_a_packed_body_is_unpacked(start_host: StartHost) -> None:
    body = gzip.compress(json.dumps({"inputs": {"topic": "tea"}}).encode())
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": "gzip"}
    async with (
        start_host(StandInCrew()) as api,
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{api.url}/kickoff", data=body) as answer,
    ):
        assert answer.status == 200


class Resolver:
    """Knows `bot` as this machine, behind an address where platforms give credentials away."""

    def __call__(self, host: str, *_: Any) -> list[AddressInfo]:
        hosts = ["169.254.169.254", "127.0.0.1"] if host == "bot" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (one, 0)) for one in hosts]


async def test_no_webhook_goes_where_platforms_give_credentials_away(
    start_host: StartHost, listener: Listener
) -> None:
    port = listener.url.rpartition(":")[2]
    told: dict[str, Any] = {
        "taskWebhookUrl": "http://169.254.169.254/latest/meta-data",
        "crewWebhookUrl": f"http://bot:{port}/crew",
    }
    crew = StandInCrew(unreviewed=["draft", "report"])
    with capture_logs() as logs:
        async with start_host(crew, lookups=Lookups(Resolver())) as api:
            execution = await api.kick_off(**told)
            await api.until(execution, "completed")
            # The end is told after the tasks, once those are given up.
            await listener.until(lambda: listener.at("/crew"))

    [(_, _, headers, _)] = listener.got
    assert headers["Host"] == f"bot:{port}"
    [why, _] = [one["why"] for one in logs if one["event"] == "webhook_given_up"]
    assert why == "the address is not a public one"

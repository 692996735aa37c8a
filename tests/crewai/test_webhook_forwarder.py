"""Bringing webhooks to callers, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web

from bot.crewai.webhook_forwarder import HttpWebhookForwarder, is_private
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.usecases.read_models import ForwardedWebhook

WEBHOOK = ForwardedWebhook("p-1", "research", "e-1", "task", "application/json", b'{"a": 1}')


@asynccontextmanager
async def serve_http(take: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_post("/task", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
def forwarder(http: httpx.AsyncClient) -> HttpWebhookForwarder:
    return HttpWebhookForwarder(http, private_crews=frozenset({"research"}))


async def test_a_webhook_arrives_as_it_came(forwarder: HttpWebhookForwarder) -> None:
    got: list[tuple[str, str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.host, request.content_type, await request.read()))
        return web.Response(status=204)

    async with serve_http(take) as port:
        assert await forwarder.forward(WEBHOOK, f"http://localhost:{port}/task") == Delivered()

    assert got == [(f"localhost:{port}", "application/json", b'{"a": 1}')]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(302, Refused), (404, Refused), (408, NotSent), (429, NotSent), (500, NotSent)],
)
async def test_what_an_answer_means(
    forwarder: HttpWebhookForwarder, status: int, kind: type[Outcome]
) -> None:
    async def take(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "http://localhost:1/"})

    async with serve_http(take) as port:
        outcome = await forwarder.forward(WEBHOOK, f"http://127.0.0.1:{port}/task")

    assert isinstance(outcome, kind)
    assert isinstance(await forwarder.forward(WEBHOOK, f"http://127.0.0.1:{port}/task"), NotSent)


async def test_a_lost_answer_is_unknown(forwarder: HttpWebhookForwarder) -> None:
    async def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serve_http(drop) as port:
        outcome = await forwarder.forward(WEBHOOK, f"http://127.0.0.1:{port}/task")

    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]"],
)
async def test_a_private_address_is_never_called(http: httpx.AsyncClient, host: str) -> None:
    forwarder = HttpWebhookForwarder(http, private_crews=frozenset())

    outcome = await forwarder.forward(WEBHOOK, f"http://{host}:9/task")

    assert isinstance(outcome, Refused)
    assert outcome.code == "private_address"


async def test_a_name_that_nobody_knows(forwarder: HttpWebhookForwarder) -> None:
    outcome = await forwarder.forward(WEBHOOK, "http://nobody.invalid/task")
    assert outcome == NotSent("the host name is not known")


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://localhost:3000", True),
        ("http://crew:3000", True),
        ("http://10.1.2.3", True),
        ("https://8.8.8.8", False),
        ("https://research-crew.crewai.com", False),
    ],
)
def test_a_crew_at_a_private_address_is_known_as_private(url: str, *, private: bool) -> None:
    assert is_private(url) is private

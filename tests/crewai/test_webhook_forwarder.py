"""Bringing webhooks to callers, and nowhere else."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aiohttp import web

from crewgate.crewai.callbacks import HttpWebhookForwarder
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.network.untrusted_addresses import AddressInfo, Lookups
from crewgate.usecases.read_models import ForwardedWebhook
from tests.servers import Handler, serve, takes_posts

WEBHOOK = ForwardedWebhook(
    id="p-1",
    crew="research",
    execution_id="e-1",
    kind="task",
    content_type="application/json",
    body=b'{"a": 1}',
)


@asynccontextmanager
async def serve_http(take: Handler, *, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Take webhooks; the port."""
    async with serve(takes_posts("/task", take), host=host) as url:
        yield int(url.rpartition(":")[2])


@pytest.fixture
def forwarder(http: httpx.AsyncClient) -> HttpWebhookForwarder:
    return HttpWebhookForwarder(http, Lookups(), private_crews=frozenset({"research"}))


async def test_a_webhook_arrives_as_it_came(forwarder: HttpWebhookForwarder) -> None:
    got: list[tuple[str, str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.host, request.content_type, await request.read()))
        return web.Response(status=204)

    async with serve_http(take) as port:
        assert await forwarder.forward(WEBHOOK, f"http://localhost:{port}/task") == Delivered()

    assert got == [(f"localhost:{port}", "application/json", b'{"a": 1}')]


async def test_what_came_without_a_type_has_none(forwarder: HttpWebhookForwarder) -> None:
    got: list[str | None] = []

    async def take(request: web.Request) -> web.Response:
        got.append(request.headers.get("Content-Type"))
        return web.Response()

    async with serve(takes_posts("/task", take)) as url:
        bare = replace(WEBHOOK, content_type="")
        assert await forwarder.forward(bare, f"{url}/task") == Delivered()

    assert got == [None]


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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[64:ff9b:1::7f00:1]"])
async def test_a_private_address_is_never_called(http: httpx.AsyncClient, host: str) -> None:
    forwarder = HttpWebhookForwarder(http, Lookups(), private_crews=frozenset())

    outcome = await forwarder.forward(WEBHOOK, f"http://{host}:9/task")

    assert isinstance(outcome, Refused)
    assert outcome.code == "private_address"


@pytest.mark.parametrize("host", ["nobody.invalid", "xn--", "[", "exa mple", "[fe80::1%25lo]"])
async def test_a_name_that_nobody_knows(forwarder: HttpWebhookForwarder, host: str) -> None:
    outcome = await forwarder.forward(WEBHOOK, f"http://{host}/task")
    assert outcome == NotSent("the host name is not known")


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0"])
async def test_an_address_in_disguise_is_never_called(http: httpx.AsyncClient, host: str) -> None:
    """`inet_aton` and most resolvers take these names for addresses."""
    forwarder = HttpWebhookForwarder(http, Lookups(), private_crews=frozenset())

    assert isinstance(await forwarder.forward(WEBHOOK, f"http://{host}:9/task"), Refused)


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]"])
async def test_a_platforms_own_address_is_never_called_for_a_private_crew_either(
    forwarder: HttpWebhookForwarder, host: str
) -> None:
    outcome = await forwarder.forward(WEBHOOK, f"http://{host}:9/task")

    assert isinstance(outcome, Refused)
    assert outcome.code == "private_address"


@pytest.mark.parametrize(
    "url",
    [
        "http://a..com/task",
        "http:///task",
        "http://①②⑦.⓪.⓪.①/task",
        f"http://{'a' * 70}.com/task",
        "http://localhost:0/task",
        "http://localhost:99999/task",
        "ftp://localhost/task",
        "",
    ],
)
async def test_a_url_without_a_host_is_refused_once(
    forwarder: HttpWebhookForwarder, url: str
) -> None:
    outcome = await forwarder.forward(WEBHOOK, url)

    assert isinstance(outcome, Refused)
    assert outcome.code == "bad_url"


class Names:
    """Answers with other addresses each time it is asked; names that begin with `slow` hang."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.released = threading.Event()

    def __call__(self, host: str, *query: Any) -> list[AddressInfo]:
        if host.startswith("slow"):
            self.released.wait()
            return []
        return [
            info for address in self.answers.pop(0) for info in socket.getaddrinfo(address, *query)
        ]


async def test_a_name_that_changes_its_mind_changes_nothing(http: httpx.AsyncClient) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"])
    forwarder = HttpWebhookForwarder(http, Lookups(names), private_crews=frozenset({"research"}))
    called: list[str | None] = []

    async def take(request: web.Request) -> web.Response:
        assert request.transport is not None
        called.append(request.transport.get_extra_info("sockname")[0])
        return web.Response()

    async with serve_http(take, host="0.0.0.0") as port:  # noqa: S104  # both addresses
        url = f"http://caller.example:{port}/task"
        assert await forwarder.forward(WEBHOOK, url) == Delivered()

    assert called == ["127.0.0.1"]
    assert len(names.answers) == 2


async def test_private_addresses_of_a_public_name_are_left_out(http: httpx.AsyncClient) -> None:
    names = Names(["10.0.0.8", "169.254.169.254", "127.0.0.1"])
    forwarder = HttpWebhookForwarder(http, Lookups(names), private_crews=frozenset())

    outcome = await forwarder.forward(WEBHOOK, "http://caller.example/task")

    assert isinstance(outcome, Refused)


async def test_the_next_address_is_tried_where_there_is_no_connection(
    http: httpx.AsyncClient,
) -> None:
    names = Names(["127.0.0.2", "127.0.0.1"])
    forwarder = HttpWebhookForwarder(http, Lookups(names), private_crews=frozenset({"research"}))

    async def take(_request: web.Request) -> web.Response:
        return web.Response()

    async with serve_http(take) as port:
        url = f"http://caller.example:{port}/task"
        assert await forwarder.forward(WEBHOOK, url) == Delivered()


async def test_a_name_that_hangs_is_given_up(http: httpx.AsyncClient) -> None:
    names = Names()
    lookups = Lookups(names, deadline=0.02)
    forwarder = HttpWebhookForwarder(http, lookups, private_crews=frozenset())
    try:
        outcome = await forwarder.forward(WEBHOOK, "http://slow.example/task")
    finally:
        names.released.set()

    assert outcome == NotSent("the host name was not found in time")


async def test_names_that_hang_hold_up_their_own_crew_only(http: httpx.AsyncClient) -> None:
    names = Names(["127.0.0.1"])
    lookups = Lookups(names, for_each=2)
    forwarder = HttpWebhookForwarder(http, lookups, private_crews=frozenset({"other"}))

    async def take(_request: web.Request) -> web.Response:
        return web.Response()

    hanging = [
        asyncio.create_task(forwarder.forward(WEBHOOK, f"http://slow-{number}.example/task"))
        for number in range(2)
    ]
    try:
        await asyncio.sleep(0)  # noqa: TID251  # lets them ask
        outcome = await forwarder.forward(WEBHOOK, "http://slow-2.example/task")
        assert outcome == NotSent("too many host names are being looked up")

        async with serve_http(take) as port:
            url = f"http://caller.example:{port}/task"
            other = replace(WEBHOOK, crew="other")
            assert await forwarder.forward(other, url) == Delivered()
        assert not any(task.done() for task in hanging)
    finally:
        names.released.set()
        await asyncio.gather(*hanging)

"""The longest time of each kind of call."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from crewgate.crewai.callbacks import HttpFlowAnswers, HttpWebhookForwarder
from crewgate.domain.notification import Callback, WebhookUrls
from crewgate.domain.outcome import Delivered, NotSent, Outcome
from crewgate.domain.redaction import Redactor
from crewgate.network.client import TIMEOUTS, Timeout
from crewgate.network.untrusted_addresses import ADDRESSES, DEADLINE, AddressInfo, Lookups
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.ports.crew import KickoffRequest
from crewgate.usecases.read_models import ForwardedWebhook
from tests.builders import NOW
from tests.crewai.crews import a_client, resume

TOO_SHORT = 0.001
FIRST, SECOND = "93.184.215.14", "93.184.215.15"
WEBHOOK = ForwardedWebhook(
    id="p-1",
    crew="research",
    execution_id="e-1",
    kind="task",
    content_type="application/json",
    body=b"{}",
)
Call = Callable[[httpx.AsyncClient], Awaitable[object]]


def two_addresses(_host: str, *query: Any) -> list[AddressInfo]:
    return [info for address in (FIRST, SECOND) for info in socket.getaddrinfo(address, *query)]


async def answer_flow(http: httpx.AsyncClient) -> Outcome:
    answers = HttpFlowAnswers(
        http,
        Lookups(two_addresses),
        hosts={"research": ("flows.example",)},
        redactors={"research": Redactor()},
        clock=lambda: NOW,
        off_loop=asyncio.to_thread,
        is_proxied=lambda _: False,
    )
    return await answers.answer("research", Callback("https://flows.example/respond"), "yes")


async def forward(http: httpx.AsyncClient) -> Outcome:
    forwarder = HttpWebhookForwarder(
        http, Lookups(two_addresses), private_crews=frozenset({"research"})
    )
    return await forwarder.forward(WEBHOOK, "https://caller.example/task")


CALLS: dict[str, tuple[Call, Timeout]] = {
    "resume": (lambda http: resume(a_client(http, "http://crew.example")), TIMEOUTS.resume),
    "kickoff": (
        lambda http: a_client(http, "http://crew.example").kickoff(
            KickoffRequest(body=b'{"inputs": {}}', given=WebhookUrls()), WebhookUrls()
        ),
        TIMEOUTS.kickoff,
    ),
    "status": (lambda http: a_client(http, "http://crew.example").status("e"), TIMEOUTS.status),
    "inputs": (lambda http: a_client(http, "http://crew.example").inputs(), TIMEOUTS.inputs),
    "ping": (lambda http: a_client(http, "http://crew.example").ping(), TIMEOUTS.status),
    "flow answer": (answer_flow, TIMEOUTS.flow_answer),
    "forward": (forward, TIMEOUTS.forward),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_has_the_timeout_of_its_kind_and_not_the_clients(name: str) -> None:
    call, timeout = CALLS[name]
    given: list[dict[str, float]] = []

    def take(request: httpx.Request) -> httpx.Response:
        given.append(request.extensions["timeout"])
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    transport = httpx.MockTransport(take)
    async with httpx.AsyncClient(transport=transport, timeout=TOO_SHORT) as http:
        await call(http)

    assert [(one["connect"], one["read"]) for one in given] == [(timeout.connect, timeout.read)]


@pytest.mark.parametrize("call", [answer_flow, forward])
async def test_after_an_address_without_a_connection_the_next_one_has_all_its_time(
    call: Call,
) -> None:
    given: list[tuple[str, float]] = []

    def take(request: httpx.Request) -> httpx.Response:
        given.append((request.url.host, request.extensions["timeout"]["read"]))
        if request.url.host == FIRST:
            raise httpx.ConnectTimeout("")
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    async with httpx.AsyncClient(transport=httpx.MockTransport(take)) as http:
        assert await call(http) == Delivered()

    assert [host for host, _ in given] == [FIRST, SECOND]
    assert len({read for _, read in given}) == 1


@pytest.mark.parametrize("call", [answer_flow, forward])
async def test_no_connection_to_any_address_in_time_is_not_sent(call: Call) -> None:
    def hang(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("")

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as http:
        assert await call(http) == NotSent("no connection in time")


@pytest.mark.parametrize(
    "timeout", [TIMEOUTS.resume, TIMEOUTS.kickoff, TIMEOUTS.flow_answer, TIMEOUTS.forward]
)
def test_connecting_ends_before_the_whole_call(timeout: Timeout) -> None:
    """Twice: TLS may take as long as the connection."""
    assert 2 * timeout.connect < timeout.total


@pytest.mark.parametrize(
    ("timeout", "addresses"),
    [(TIMEOUTS.resume, 1), (TIMEOUTS.flow_answer, ADDRESSES), (TIMEOUTS.forward, ADDRESSES)],
)
def test_a_delivery_ends_before_its_lease(timeout: Timeout, addresses: int) -> None:
    connecting = (addresses - 1) * 2 * timeout.connect
    assert DEADLINE + connecting + timeout.total < LEASE.total_seconds()

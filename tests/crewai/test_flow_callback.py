"""Answering flows: at the addresses that may be called, and what their answers mean."""

import asyncio
import json
import socket
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web

from crewgate.crewai.callbacks import HttpFlowAnswers
from crewgate.crewai.payloads import parse_flow_answer
from crewgate.domain.notification import Callback
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    Unknown,
)
from crewgate.domain.redaction import Redactor
from crewgate.network.client import open_client
from crewgate.network.untrusted_addresses import AddressInfo, Lookups
from tests.builders import NOW
from tests.servers import Handler, serve, takes_posts

TOKEN = "one-use-token"
TAKEN = {"status": "accepted", "request": {"id": "8412", "outcome": "approved"}}


def answers(
    http: httpx.AsyncClient, *hosts: str, address: str | None = None, proxied: bool = False
) -> HttpFlowAnswers:
    """With these hosts in the settings, where every name stands for this address."""

    def getaddrinfo(host: str, port: Any, *more: Any) -> list[AddressInfo]:
        return socket.getaddrinfo(address or host, port, *more)

    return HttpFlowAnswers(
        http,
        Lookups(getaddrinfo),
        hosts={"research": hosts},
        redactors={"research": Redactor(["whsec_secret"])},
        clock=lambda: NOW,
        off_loop=asyncio.to_thread,
        is_proxied=lambda _: proxied,
    )


async def tell(http: httpx.AsyncClient, take: Handler, feedback: str = "approved") -> Outcome:
    async with serve(takes_posts("/respond", take)) as url:
        callback = Callback(f"{url}/respond?token={TOKEN}", TOKEN)
        return await answers(http, "127.0.0.1").answer("research", callback, feedback)


async def test_the_answer_is_the_feedback_and_where_it_came_from(http: httpx.AsyncClient) -> None:
    got: list[tuple[dict[str, str], object]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((dict(request.query), await request.json()))
        assert "Authorization" not in request.headers
        return web.json_response(TAKEN)

    outcome = await tell(http, take, "needs_revision")
    assert outcome == Delivered("accepted", label="approved")
    assert got == [({"token": TOKEN}, {"feedback": "needs_revision", "source": "slack"})]


@pytest.mark.parametrize("feedback", ["", " \n\t"])
async def test_an_empty_answer_is_never_sent(http: httpx.AsyncClient, feedback: str) -> None:
    async def take(_request: web.Request) -> web.Response:
        raise AssertionError

    assert await tell(http, take, feedback) == Refused("empty", "an empty answer is never sent")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (409, Refused("409", "no: whoever", RefusalKind.ANSWERED)),
        (401, Refused("401", "no: whoever", RefusalKind.SPENT)),
        (404, Refused("404", "no: whoever", RefusalKind.REQUEST_GONE)),
        (410, Refused("410", "no: whoever", RefusalKind.REQUEST_OVER)),
        (302, Refused("302", "no: whoever")),
        (429, NotSent("429", timedelta(seconds=7), words="no: whoever")),
        (500, Unknown("500", "no: whoever", "500")),
        (503, Unknown("503", "no: whoever", "503")),
    ],
)
async def test_what_an_answer_means(http: httpx.AsyncClient, status: int, outcome: Outcome) -> None:
    async def take(_request: web.Request) -> web.Response:
        headers = {"Retry-After": "7", "Location": "http://127.0.0.1:1/"}
        return web.json_response({"message": "no: whoever"}, status=status, headers=headers)

    assert await tell(http, take) == outcome


async def test_what_it_was_sent_is_taken_out_of_what_it_says(http: httpx.AsyncClient) -> None:
    async def take(request: web.Request) -> web.Response:
        long = "x" * 100_000
        body = {"message": f"{request.url} {TOKEN} whsec_secret", "more": long}
        return web.json_response(body, status=409)

    outcome = await tell(http, take)
    assert isinstance(outcome, Refused)
    assert TOKEN not in outcome.words
    assert "whsec" not in outcome.words


async def test_a_lost_answer_and_no_connection_are_told_apart(http: httpx.AsyncClient) -> None:
    async def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert isinstance(await tell(http, drop), Unknown)
    callback = Callback("http://127.0.0.1:9/respond")
    outcome = await answers(http, "127.0.0.1").answer("research", callback, "yes")
    assert outcome == NotSent("connection refused")


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://app.crewai.com/respond", ()),
        ("https://app.crewai.com:8443/respond", ()),
        ("https://crewai.com.example.com/respond", ()),
        ("https://evilcrewai.com/respond", ()),
        ("https://example.com/crewai.com", ()),
        ("https://127.0.0.1/respond", ()),
        ("https://flows.example.com:8443/respond", ("flows.example.com:9443",)),
        ("https://sub.flows.example.com/respond", ("flows.example.com",)),
    ],
)
async def test_other_hosts_are_never_called(
    http: httpx.AsyncClient, url: str, hosts: tuple[str, ...]
) -> None:
    outcome = await answers(http, *hosts, address="93.184.215.14").answer(
        "research", Callback(url), "yes"
    )
    assert isinstance(outcome, Refused)
    assert outcome.code == "host_not_allowed"
    assert not answers(http, *hosts).may_answer("research", url)


@pytest.mark.parametrize("host", ["flows.example.com", "flows", "10.0.0.8", "localhost.example"])
@pytest.mark.parametrize("address", ["93.184.215.14", "127.0.0.1"])
async def test_a_host_elsewhere_is_not_called_by_plain_http(
    http: httpx.AsyncClient, host: str, address: str
) -> None:
    """That is known when the request comes, and no look-up changes it."""
    url = f"http://{host}:9/respond"
    assert not answers(http, host).may_answer("research", url)
    outcome = await answers(http, host, address=address).answer("research", Callback(url), "yes")
    assert isinstance(outcome, Refused)
    assert outcome.code == "plain_http"


async def test_plain_http_to_what_only_calls_itself_this_machine_is_refused(
    http: httpx.AsyncClient,
) -> None:
    told = answers(http, "localhost", address="93.184.215.14")
    outcome = await told.answer("research", Callback("http://localhost:9/respond"), "yes")
    assert isinstance(outcome, Refused)
    assert outcome.code == "plain_http"


@pytest.mark.parametrize("url", ["https://u:p@app.crewai.com/", "https://", "http:x", "\udcff"])
async def test_odd_addresses_are_refused(http: httpx.AsyncClient, url: str) -> None:
    outcome = await answers(http).answer("research", Callback(url), "yes")
    assert isinstance(outcome, Refused)
    assert outcome.code == "bad_url"
    assert not answers(http).may_answer("research", url)


@pytest.mark.parametrize(
    ("url", "hosts", "address"),
    [
        ("https://app.crewai.com/respond", (), "127.0.0.1"),
        ("https://app.crewai.com/respond", (), "10.0.0.8"),
        ("https://CrewAI.com./respond", (), "169.254.169.254"),
        ("https://flows.example.com/respond", ("flows.example.com",), "169.254.169.254"),
    ],
)
async def test_names_that_lead_inside_are_not_called(
    http: httpx.AsyncClient, url: str, hosts: tuple[str, ...], address: str
) -> None:
    outcome = await answers(http, *hosts, address=address).answer("research", Callback(url), "y")
    assert outcome == Refused("private_address", "the address is not a public one")


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://api.app.crewai.com/respond", ()),
        ("https://flows.example.com:9/respond", ("flows.example.com",)),
        ("https://flows.example.com:9/respond", ("flows.example.com:9",)),
        ("http://localhost:9/respond", ("localhost",)),
        ("http://127.0.0.1:9/respond", ("127.0.0.1",)),
    ],
)
async def test_those_that_may_be_called_are(
    http: httpx.AsyncClient, url: str, hosts: tuple[str, ...]
) -> None:
    """Nobody listens there; what matters is that it was tried, or that no name was found."""
    assert answers(http, *hosts).may_answer("research", url)
    address = None if "http://" in url else "127.0.0.1" if hosts else "192.0.2.1"
    outcome = await answers(http, *hosts, address=address).answer("research", Callback(url), "y")
    if not hosts:  # TEST-NET is no public address: the host itself was fine
        assert outcome == Refused("private_address", "the address is not a public one")
    else:
        assert isinstance(outcome, NotSent)


async def test_a_proxy_is_told_the_hosts_name_and_looks_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The certificate names the host, not its address."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        async with open_client() as http:
            told = answers(http, address="nobody.invalid", proxied=True)
            callback = Callback("https://app.crewai.com/respond")
            outcome = await told.answer("research", callback, "y")
            elsewhere = Callback("https://crewai.com.example.com/respond")
            refused = await told.answer("research", elsewhere, "y")
    assert outcome == NotSent("the proxy refused the connection")
    assert asked == [b"CONNECT app.crewai.com:443 HTTP/1.1\r\n"]
    assert isinstance(refused, Refused)


async def test_a_name_that_is_not_known_is_tried_again(http: httpx.AsyncClient) -> None:
    outcome = await answers(http, address="nobody.invalid").answer(
        "research", Callback("https://app.crewai.com/respond"), "y"
    )
    assert outcome == NotSent("the host name is not known")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (TAKEN, Delivered("accepted", label="approved")),
        ({"status": "accepted", "request": {"outcome": None}}, Delivered("accepted")),
        ({"status": "accepted", "request": {"outcome": 7}}, Delivered("accepted")),
        ({"status": "accepted", "request": "?"}, Delivered("accepted")),
        ({}, Delivered()),
        ([], Delivered()),
        ({"error": "already_responded"}, Refused("200", "already_responded")),
    ],
)
def test_what_it_was_made_of_is_read(body: object, outcome: Outcome) -> None:
    assert parse_flow_answer(200, json.dumps(body).encode(), "application/json") == outcome


def test_a_page_is_no_answer() -> None:
    assert isinstance(parse_flow_answer(200, b"<html>", "text/html"), Unknown)

"""A call has an outcome when the network or the server does not behave like HTTP."""

import asyncio
import ssl

import httpx
import pytest

from crewgate.crewai.client import HttpCrew
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    Unknown,
)
from crewgate.network.client import Timeout, why_unsent
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from tests.crewai.crews import a_client, a_server, resume
from tests.standins.crew import (
    Crew,
    status,
)


async def test_a_restart_of_the_crew_is_never_taken_for_a_lost_answer(crew: Crew) -> None:
    """Even with a client that keeps connections."""
    async with httpx.AsyncClient(trust_env=False) as keeping:
        client = a_client(keeping, crew.url)
        assert await client.inputs() == ("topic",)
        await crew.go_down()
        assert await resume(client) == NotSent("connection refused")
        await crew.come_back()
        assert isinstance(await resume(client), Delivered)


async def test_crews_that_hang_take_no_connection_from_the_others(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    """A platform that hangs may be that of many crews, with a dozen calls each."""
    called, over = asyncio.Semaphore(0), asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        called.release()
        await over.wait()

    async with a_server(hang) as url:
        calls = [asyncio.create_task(resume(a_client(http, url))) for _ in range(150)]
        for _ in calls:
            await called.acquire()
        assert isinstance(await resume(a_client(http, crew.url)), Delivered)
        over.set()
        assert set(map(type, await asyncio.gather(*calls))) == {Unknown}


async def test_an_unknown_host_was_not_sent_anything(http: httpx.AsyncClient) -> None:
    assert await resume(a_client(http, "http://crew.invalid")) == NotSent(
        "the host name is not known"
    )


async def test_a_failed_handshake_was_not_sent_anything(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    secure = crew.url.replace("http:", "https:")
    assert await resume(a_client(http, secure)) == NotSent("no secure connection")
    assert crew.requests == ()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectTimeout, NotSent("no connection in time")),
        (httpx.PoolTimeout, NotSent("too many calls at once")),
        (httpx.ProxyError, NotSent("the proxy refused the connection")),
        (httpx.ConnectError, NotSent("no connection")),
        (httpx.LocalProtocolError, NotSent("the request could not be made")),
        (httpx.ReadTimeout, Unknown("no answer in time")),
        (httpx.WriteTimeout, Unknown("no answer in time")),
        (httpx.WriteError, Unknown("the connection was lost before an answer came")),
        (httpx.ReadError, Unknown("the connection was lost before an answer came")),
        (httpx.CloseError, Unknown("the connection was lost before an answer came")),
        (httpx.RemoteProtocolError, Unknown("the connection was lost before an answer came")),
        (httpx.DecodingError, Unknown("the connection was lost before an answer came")),
        (AttributeError, Unknown("the connection was lost before an answer came")),
    ],
)
async def test_errors_that_no_server_can_be_made_to_cause(
    error: type[Exception], outcome: Outcome
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("")

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http:
        assert await resume(a_client(http, "http://crew.example")) == outcome


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (OSError("no route"), "no connection"),
        (
            ExceptionGroup("all addresses", [OSError("no route"), ConnectionRefusedError()]),
            "connection refused",
        ),
        (ssl.SSLCertVerificationError("expired"), "the certificate was not accepted"),
        (ssl.SSLError("eof"), "no secure connection"),
    ],
)
def test_a_failed_connection_is_explained(cause: Exception, why: str) -> None:
    lost = httpx.ConnectError("")
    lost.__cause__ = lost.__context__ = cause
    assert why_unsent(lost) == why


async def test_what_is_no_http_leaves_it_unknown(http: httpx.AsyncClient) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    async with a_server(serve) as url:
        assert isinstance(await resume(a_client(http, url)), Unknown)


async def test_a_status_counts_even_when_the_body_is_lost(http: httpx.AsyncClient) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        await writer.drain()

    async with a_server(serve) as url:
        assert await resume(a_client(http, url)) == Delivered("")


async def test_an_endless_answer_is_read_up_to_a_limit(http: httpx.AsyncClient) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 2**16)
                await writer.drain()
        except ConnectionError:
            pass

    async with a_server(serve) as url:
        client = a_client(http, url)
        assert await client.status("x") == CrewUnavailable(
            "the answer is not understood: the body is not JSON", answered=True
        )
        assert await resume(client) == Delivered("")


async def test_a_trickling_answer_is_cut_at_the_limit_for_the_call(
    http: httpx.AsyncClient,
) -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status":')
        await reader.read()
        gone.set()

    async with a_server(serve) as url:
        client = a_client(http, url, status=Timeout(5, 5, 0.05))
        assert isinstance(await client.status("x"), CrewUnavailable)
        await gone.wait()


@pytest.mark.parametrize("ending", ["", "/", "/crews/one", "/crews/one/"])
async def test_the_base_may_have_a_path_and_a_slash(http: httpx.AsyncClient, ending: str) -> None:
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1].decode())
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"inputs": [], "status": "running"}')
        await writer.drain()

    async with a_server(serve) as url:
        client = a_client(http, url + ending)
        assert await client.inputs() == ()
        assert await client.status("a/b c?d#é%2F") == Progress(
            status=CrewStatus.RUNNING, word="running"
        )
    base = ending.rstrip("/")
    assert asked == [f"{base}/inputs", f"{base}/status/a%2Fb%20c%3Fd%23%C3%A9%252F"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "crew.example",
        "ftp://crew.example",
        "https://",
        "https://user:secret@crew.example",
        "https://crew.example/?a=1",
        "https://crew.example/#a",
        "https://crew.example:port",
    ],
)
async def test_a_url_that_cannot_work_is_refused_without_repeating_it(
    http: httpx.AsyncClient, url: str
) -> None:
    with pytest.raises(ValueError, match="a crew's URL") as refused:
        a_client(http, url)
    assert "secret" not in str(refused.value)


async def test_cookies_are_not_kept(http: httpx.AsyncClient, crew: Crew, client: HttpCrew) -> None:
    crew.fail("/inputs", how=status(200, {"inputs": []}, headers={"Set-Cookie": "a=1; Path=/"}))
    await client.inputs()
    assert len(http.cookies) == 0

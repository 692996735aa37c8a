"""What came of a resume is told right, whatever the crew or the network does.

The other side is the stand-in crew, a real server, wherever it can behave like this.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.crewai.client import HttpCrew
from bot.crewai.transport import Timeouts, open_client
from bot.crewai.transport_errors import why_unsent
from bot.demo.crew import (
    Crew,
    Fault,
    State,
    drop_after,
    drop_before,
    garbage,
    hang,
    slow,
    status,
)
from bot.domain.notification import HumanInputWebhook, WebhookUrls
from bot.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    ResumeStatus,
    Unknown,
)
from bot.domain.verdict import Approve, Decision, Person, Revise, Verdict, Via
from bot.usecases.read_models import CrewStatus, CrewUnavailable, Progress

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
NO_URLS = WebhookUrls()
RUN = "run 1/2"
TASK = "qa"


def now() -> float:
    return NOW.timestamp()


def a_decision(verdict: Verdict | None = None) -> Decision:
    return Decision(verdict or Approve(), Person("U1", "Ana"), NOW, Via.BUTTON)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(trust_env=False) as http:
        yield http


@pytest.fixture
async def crew() -> AsyncIterator[Crew]:
    async with Crew(now=now) as crew:
        await crew.pause(RUN, TASK, "text")
        yield crew


def a_client(
    http: httpx.AsyncClient, url: str, token: str = "demo-crew-token", **timeouts: float
) -> HttpCrew:
    return HttpCrew(http, url, token, clock=lambda: NOW, timeouts=Timeouts(**timeouts))


@pytest.fixture
def client(http: httpx.AsyncClient, crew: Crew) -> HttpCrew:
    return a_client(http, crew.url)


async def resume(client: HttpCrew, execution_id: str = RUN, task_id: str = TASK) -> Outcome:
    return await client.resume(execution_id, task_id, a_decision(), NO_URLS)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(serve: Serve) -> AsyncIterator[str]:
    """A bare TCP server, for what no HTTP server does."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_resume_is_delivered_with_the_crews_words(crew: Crew, client: HttpCrew) -> None:
    outcome = await resume(client)
    assert outcome == Delivered("resumed: Execution resumed", ResumeStatus.RESUMED)
    (request,) = crew.requests
    assert request.authorization == "Bearer demo-crew-token"
    assert request.body == {
        "execution_id": RUN,
        "task_id": TASK,
        "human_feedback": "Approved.",
        "is_approve": True,
    }


async def test_a_revision_carries_feedback_and_urls_verbatim(crew: Crew, client: HttpCrew) -> None:
    urls = WebhookUrls(
        task="http://127.0.0.1:1/t",
        human_input=HumanInputWebhook("http://127.0.0.1:1/h", "basic", username="u", password="p"),
    )
    outcome = await client.resume(RUN, TASK, a_decision(Revise(" más\n& <more> 🎯 ")), urls)
    assert outcome == Delivered(
        "retrying: The task runs again with your feedback", ResumeStatus.RETRYING
    )
    (taken,) = crew.resumes
    assert taken.human_feedback == " más\n& <more> 🎯 "
    assert taken.urls.task == "http://127.0.0.1:1/t"
    assert taken.human_input is not None
    assert taken.human_input.password == "p"


async def test_the_crews_refusals_come_with_code_and_words(
    crew: Crew, http: httpx.AsyncClient, client: HttpCrew
) -> None:
    assert await resume(client, "other") == Refused("404", "Execution not found")
    assert await resume(client, task_id="other") == Refused(
        "404", "Task not found in this execution"
    )
    stranger = a_client(http, crew.url, "wrong")
    assert await resume(stranger) == Refused("401", "Invalid or missing bearer token")
    await resume(client)
    assert await resume(client) == Refused(
        "400", "Execution is not pending human input for this task", RefusalKind.NOT_PENDING
    )


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (status(201, {"status": "resumed"}), Delivered("resumed", ResumeStatus.RESUMED)),
        (status(204, ""), Delivered("")),
        (garbage(), Delivered("")),
        (slow(0.001), Delivered("resumed: Execution resumed", ResumeStatus.RESUMED)),
        (status(422, {"error": "Validation", "message": "no"}), Refused("422", "no")),
        (status(403, "<html>Forbidden</html>"), Refused("403", "Forbidden")),
        (status(409, ""), Refused("409", "Conflict")),
        (status(499, ""), Refused("499", "no reason given")),
        (status(429, "slow down"), NotSent("429: slow down")),
        (status(429, "", retry_after=7), NotSent("429: Too Many Requests", timedelta(seconds=7))),
        (status(503, "away"), NotSent("503: away")),
        (status(500, "oh"), Unknown("500: oh")),
        (status(500, "oh", applied=True), Unknown("500: oh")),
        (status(502, ""), Unknown("502: Bad Gateway")),
        (status(504, ""), Unknown("504: Gateway Timeout")),
        (status(408, ""), Unknown("408: Request Timeout")),
        (drop_before(), Unknown("the connection was lost before an answer came")),
        (drop_after(), Unknown("the connection was lost before an answer came")),
    ],
)
async def test_every_answer_has_its_outcome(
    crew: Crew, client: HttpCrew, fault: Fault, outcome: Outcome
) -> None:
    crew.fail("/resume", how=fault)
    assert await resume(client) == outcome
    assert len(crew.requests) == 1


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("0", timedelta(0)),
        ("Thu, 01 Jan 2026 12:01:30 GMT", timedelta(seconds=90)),
        ("Thu, 01 Jan 2026 12:01:30 -0000", timedelta(seconds=90)),
        ("Thu, 01 Jan 2026 11:00:00 GMT", timedelta(0)),
        ("Thu, 01 Jan 2099 11:00:00 GMT", timedelta(days=1)),
        ("9" * 400, timedelta(days=1)),
        ("999999", timedelta(days=1)),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 99999999999999999999 11:00:00 GMT", None),
        ("Thu, 01 Jan 2026 12:01:30 +99999999999999999999", None),
    ],
)
async def test_retry_after_is_seconds_or_a_date(
    crew: Crew, client: HttpCrew, header: str, wait: timedelta | None
) -> None:
    crew.fail("/resume", how=status(503, "away", retry_after=header))
    assert await resume(client) == NotSent("503: away", wait)


async def test_redirects_are_refused_and_the_token_does_not_travel(
    crew: Crew, client: HttpCrew
) -> None:
    async with Crew(now=now) as other:
        for code in (301, 302, 303, 307, 308):
            elsewhere = {"Location": f"{other.url}/resume"}
            crew.fail("/resume", how=status(code, "moved", headers=elsewhere))
            assert await resume(client) == Refused(str(code), "moved")
        assert other.requests == ()
    assert crew.resumes == ()


@pytest.mark.parametrize("applied", [True, False])
async def test_a_crew_that_does_not_answer_leaves_it_unknown(
    crew: Crew, http: httpx.AsyncClient, *, applied: bool
) -> None:
    crew.fail("/resume", how=hang(applied=applied))
    assert await resume(a_client(http, crew.url, read=0.05)) == Unknown("no answer in time")
    assert (crew.execution(RUN).state is State.RUNNING) is applied
    crew.fail("/resume", how=hang(applied=applied))
    assert await resume(a_client(http, crew.url, resume=0.05)) == Unknown("no answer in time")


async def test_a_crew_that_is_down_was_not_sent_anything(crew: Crew, client: HttpCrew) -> None:
    await crew.go_down()
    assert await resume(client) == NotSent("connection refused")
    await crew.come_back()
    assert isinstance(await resume(client), Delivered)


async def test_a_restart_of_the_crew_is_never_taken_for_a_lost_answer(crew: Crew) -> None:
    """Even with a client that keeps connections."""
    async with httpx.AsyncClient(trust_env=False) as keeping:
        client = a_client(keeping, crew.url)
        assert await client.inputs() == ("topic",)
        await crew.go_down()
        assert await resume(client) == NotSent("connection refused")
        await crew.come_back()
        assert isinstance(await resume(client), Delivered)


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
    ],
)
async def test_errors_that_no_server_can_be_made_to_cause(
    error: type[httpx.HTTPError], outcome: Outcome
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
            "the answer is not understood: the body is not JSON"
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
        client = a_client(http, url, status=0.05)
        assert isinstance(await client.status("x"), CrewUnavailable)
        await gone.wait()


async def test_the_status_of_an_execution(crew: Crew, client: HttpCrew) -> None:
    assert await client.status(RUN) == Progress(CrewStatus.RUNNING, "running", TASK, 0, 0)
    assert await client.status("other") == CrewUnavailable("404: Execution not found", gone=True)
    crew.end(RUN)
    ended = await client.status(RUN)
    assert isinstance(ended, Progress)
    assert (ended.status, ended.completed_tasks, ended.total_tasks) == (CrewStatus.COMPLETED, 1, 1)
    assert ended.result is not None
    crew.end(RUN, "out of tokens")
    assert await client.status(RUN) == Progress(CrewStatus.FAILED, "error", error="out of tokens")


async def test_a_silent_crew_is_given_up_soon(crew: Crew, http: httpx.AsyncClient) -> None:
    crew.fail("/status", how=hang(), times=None)
    client = a_client(http, crew.url, status=0.05)
    assert await client.status(RUN) == CrewUnavailable("no answer within 0.05 s")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (status(401), "401: token not accepted"),
        (status(500, "oh"), "500: oh"),
        (status(302, ""), "302: Found"),
        (garbage(), "the answer is not understood: the body is not JSON"),
        (
            status(200, {"inputs": 1}),
            "the answer is not understood: the crew's inputs are not a list",
        ),
        (drop_before(), "the connection was lost before an answer came"),
    ],
)
async def test_a_check_says_in_plain_words_what_is_wrong(
    crew: Crew, client: HttpCrew, fault: Fault, why: str
) -> None:
    crew.fail("/inputs", how=fault)
    assert await client.inputs() == CrewUnavailable(why)
    assert await client.inputs() == ("topic",)
    await crew.go_down()
    assert await client.inputs() == CrewUnavailable("connection refused")


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
        assert await client.status("a/b c?d#é%2F") == Progress(CrewStatus.RUNNING, "running")
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


async def test_neither_token_nor_feedback_is_logged(
    client: HttpCrew, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await client.resume(RUN, TASK, a_decision(Revise("confidential words")), NO_URLS)
    said: Any = caplog.text
    assert "demo-crew-token" not in said
    assert "confidential words" not in said
    assert "demo-crew-token" not in repr(client)

"""The requests that Slack's address takes, and those that it refuses before Bolt reads them."""

import asyncio
import hashlib
import hmac
import io
import json
import logging
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from crewgate.domain.errors import StoreUnavailable
from crewgate.network.bodies import ROOM
from crewgate.network.requests import LIMIT
from crewgate.slack.client.bolt import new_bolt
from crewgate.usecases.ports.slack import RESPONSE_SENT
from crewgate.web import slack_events
from crewgate.web.context import explain_failures
from tests.servers import Stranger, serve_limited

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
PREVIOUS = "1a2b3c4d5e6f8888abcd99yyyzzz85a5"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
COMMAND = urlencode({"command": "/crew", "text": "help", "user_id": "U1", "team_id": "T1"}).encode()
NESTED = b"[" * 100_000


@pytest.fixture
def heard() -> asyncio.Event:
    """The command's listener knows that its acknowledgement has left."""
    return asyncio.Event()


@pytest.fixture
def refused() -> slack_events.RefusedRequests:
    return slack_events.RefusedRequests()


@pytest.fixture
async def url(heard: asyncio.Event, refused: slack_events.RefusedRequests) -> AsyncIterator[str]:
    """Bolt with one command, behind the address."""
    bolt = new_bolt(AsyncWebClient(token="xoxb-1"))

    @bolt.command("/crew")
    async def on_crew(ack: slack_events.Acknowledge, req: AsyncBoltRequest) -> None:
        left = req.context[RESPONSE_SENT]
        await ack("Taken.")
        assert not left.is_set()
        await left.wait()
        heard.set()

    failures = [StoreUnavailable("locked")]

    @bolt.command("/away")
    async def on_away(ack: slack_events.Acknowledge) -> None:
        if failures:
            raise failures.pop()
        await ack("Away.")

    app = web.Application(middlewares=[explain_failures])
    slack_events.add_routes(app, bolt, signing_secrets=[SECRET, PREVIOUS], refused=refused)
    async with serve_limited(app) as base:
        yield f"{base}/slack/events"


def sign(body: bytes, *, at: str | None = None, secret: str = SECRET) -> dict[str, str]:
    stamp = at or str(int(time.time()))  # noqa: TID251  # slack_sdk compares with the real time
    signed = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }


async def post(url: str, body: bytes, **headers: str) -> tuple[int, str]:
    named = {"Content-Type": FORM} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(body), headers=named) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_signed_request_reaches_its_listener(url: str) -> None:
    assert await post(url, COMMAND, **sign(COMMAND)) == (200, "Taken.")
    assert await post(url, COMMAND, **sign(COMMAND, secret=PREVIOUS)) == (200, "Taken.")
    assert (await post(url, COMMAND, **sign(COMMAND, secret="other")))[0] == 401


async def test_a_request_that_was_taken_is_not_taken_again(url: str) -> None:
    signed, elsewhen = sign(COMMAND), sign(COMMAND, at=str(int(time.time()) - 9))  # noqa: TID251
    assert await post(url, COMMAND, **signed) == (200, "Taken.")
    with capture_logs() as logs:
        assert await post(url, COMMAND, **signed) == (200, "")
    assert [line["event"] for line in logs] == ["slack_request_repeated"]
    assert await post(url, COMMAND, **elsewhen) == (200, "Taken.")


async def test_a_request_that_could_not_be_stored_can_be_sent_again(url: str) -> None:
    command = COMMAND.replace(b"crew", b"away")
    signed = sign(command)
    answers = [await post(url, command, **signed) for _ in range(3)]
    assert [status for status, _ in answers] == [503, 200, 200]
    assert [text for _, text in answers[1:]] == ["Away.", ""]


async def test_a_listener_is_told_when_its_acknowledgement_has_left(
    url: str, heard: asyncio.Event
) -> None:
    assert await post(url, COMMAND, **sign(COMMAND)) == (200, "Taken.")
    await asyncio.wait_for(heard.wait(), 60)


async def test_a_listener_does_not_wait_for_a_caller_that_went_away(
    url: str, heard: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    head = "".join(f"{name}: {text}\r\n" for name, text in sign(COMMAND).items())
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /slack/events HTTP/1.1\r\nHost: bot\r\n{head}Content-Type: {FORM}\r\n"
        f"Content-Length: {len(COMMAND)}\r\n\r\n".encode()
        + COMMAND
    )
    await writer.drain()
    writer.transport.abort()
    another = COMMAND + b"&trigger_id=2"
    assert await post(url, another, **sign(another)) == (200, "Taken.")
    await asyncio.wait_for(heard.wait(), 60)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_slacks_check_of_the_certificate_needs_no_signature(url: str) -> None:
    assert await post(url, b"ssl_check=1&token=abc") == (200, "")


UNSIGNED = (
    (COMMAND, FORM),
    (b"", FORM),
    (b"{", JSON),
    (b"[]", JSON),
    (b'"text"', JSON),
    (b'{"team": 5, "user": 5, "channel": 5}', JSON),
    (b'{"authorizations": 5}', JSON),
    (NESTED, JSON),
    (b"1" * 5_000, JSON),
    (b"payload=" + NESTED, FORM),
    (b"payload=[]", FORM),
    (b"payload=%ff", FORM),
    (b"\xff\xfe", FORM),
    (b"a&" * 100_000, FORM),
    (COMMAND, f"{FORM}; charset=sesame"),
    (COMMAND, f"{FORM}; charset=utf-16"),
    (COMMAND, "multipart/form-data; boundary="),
    (COMMAND, ";"),
    (b"ssl_check=1&" + b"a&" * 100_000, FORM),
)


@pytest.mark.parametrize(("body", "content_type"), UNSIGNED)
async def test_an_odd_body_that_nobody_signed_is_refused_without_a_traceback(
    url: str, caplog: pytest.LogCaptureFixture, body: bytes, content_type: str
) -> None:
    status, answer = await post(url, body, Content_Type=content_type)

    assert status in {400, 401}
    assert json.loads(answer)["error"] in {"malformed", "unauthorized"}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert await post(url, COMMAND, **sign(COMMAND)) == (200, "Taken.")


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "9" * 5_000},
        {"X-Slack-Request-Timestamp": "¼"},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=ü"},
        {"X-Slack-Signature": "v0=" + "0" * 64},
    ],
)
async def test_an_odd_signature_is_refused_without_a_traceback(
    url: str, caplog: pytest.LogCaptureFixture, changed: dict[str, str]
) -> None:
    status, answer = await post(url, COMMAND, **(sign(COMMAND) | changed))

    assert (status, json.loads(answer)["error"]) == (401, "unauthorized")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_requests_of_one_wrong_clock_are_refused_and_tell_of_it(
    url: str, refused: slack_events.RefusedRequests
) -> None:
    now = int(time.time())  # noqa: TID251  # slack_sdk compares with the real time
    with capture_logs() as logs:
        status, _ = await post(url, COMMAND, **sign(COMMAND, at=str(now - 1_201)))
        await post(url, COMMAND, **sign(COMMAND, at=str(now - 1_200)))
    assert (status, {line["event"] for line in logs}) == (401, {"slack_timestamp_refused"})
    assert 1_201 <= logs[0]["seconds"] < 1_260
    off = "this machine's clock is 20 min ahead of Slack's, or somebody repeats old requests"
    assert refused.warning(now + 60) == off
    assert refused.warning(now + 3_600) is None
    await post(url, COMMAND, **sign(COMMAND, at=str(now + 1_200)))
    await post(url, COMMAND, **sign(COMMAND, at=str(now + 1_201)))
    assert "20 min behind" in str(refused.warning(now + 60))
    assert (await post(url, COMMAND, **sign(COMMAND)))[0] == 200
    assert refused.warning(now + 60) is None


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param([(0, "1000")], id="one"),
        pytest.param([(0, "1000"), (2, "1000")], id="one twice"),
        pytest.param([(0, "1000"), (2, "1600")], id="two, closer together than they were sent"),
        pytest.param([(0, "1000"), (600, "1002")], id="two, farther apart than they were sent"),
    ],
)
def test_old_requests_that_somebody_repeats_make_no_clock_wrong(
    refused: slack_events.RefusedRequests, requests: list[tuple[int, str]]
) -> None:
    for after, timestamp in requests:
        refused.at_wrong_time(90_000 + after, timestamp)
    assert refused.warning(90_601) is None


async def test_requests_signed_with_another_secret_tell_of_it_until_one_is_accepted(
    url: str, refused: slack_events.RefusedRequests
) -> None:
    now = time.time()  # noqa: TID251  # slack_sdk compares with the real time
    for _ in range(4):
        with capture_logs() as logs:
            await post(url, COMMAND, **sign(COMMAND, secret="another"))
        assert [line["event"] for line in logs] == ["slack_signature_refused"]
    assert refused.warning(now + 60) is None
    await post(url, COMMAND, **sign(COMMAND, secret="another"))
    assert refused.warning(now + 60) == (
        "5 requests at /slack/events were refused and none accepted: SLACK_SIGNING_SECRET is not"
        " this app's, or somebody else sends them"
    )
    await post(url, COMMAND, **sign(COMMAND))
    await post(url, COMMAND, **sign(COMMAND, secret="another"))
    assert refused.warning(now + 60) is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (NESTED, JSON),
        (b'{"team": 5}', JSON),
        (b'{"authorizations": {"team_id": "T1"}}', JSON),
        (b'{"response_urls": [{}, {}]}', JSON),
        (b"payload={", FORM),
        (b"\xff", FORM),
    ],
)
async def test_a_signed_body_that_cannot_be_read_is_refused_without_a_traceback(
    url: str, caplog: pytest.LogCaptureFixture, body: bytes, content_type: str
) -> None:
    status, answer = await post(url, body, Content_Type=content_type, **sign(body))

    assert (status, json.loads(answer)["error"]) == (400, "malformed")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_body_over_a_mebibyte_is_refused(url: str) -> None:
    body = b"a=" + b"x" * LIMIT

    status, answer = await post(url, body, **sign(body))

    assert (status, json.loads(answer)["error"]) == (413, "too_large")


@pytest.mark.parametrize("encoding", ["gzip", "sesame"])
async def test_a_packed_body_is_refused_before_it_is_sent(url: str, encoding: str) -> None:
    """Slack packs none, and a hundred of strangers would keep a click waiting."""
    headers = {"Content-Encoding": encoding, "Content-Length": "8000", **sign(COMMAND)}
    strangers = [await Stranger.begin(url, b"", **headers) for _ in range(100)]

    assert await post(url, COMMAND, **sign(COMMAND)) == (200, "Taken.")
    for stranger in strangers:
        assert await stranger.answer() == (415, "packed")


async def test_a_large_form_is_taken_while_strangers_fill_the_room(url: str) -> None:
    part = b"x" * (LIMIT - 100)
    count = ROOM // LIMIT + 1
    strangers = [await Stranger.begin(url, part, Content_Length=str(LIMIT)) for _ in range(count)]
    assert await strangers[0].answer() == (503, "too_busy")
    form = COMMAND + b"&more=" + b"x" * (LIMIT // 2)

    assert await post(url, form, **sign(form)) == (200, "Taken.")
    for stranger in strangers:
        stranger.leave()

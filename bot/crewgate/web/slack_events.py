"""Slack's own address: bodies are limited and verified before Bolt reads them.

Bolt parses a body before it checks the signature, and a stranger's malformed body would end in a
traceback.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from hmac import compare_digest
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock, SignatureVerifier
from yarl import query_to_pairs

from crewgate.network import requests
from crewgate.usecases.ports.slack import RESPONSE_SENT
from crewgate.web.credentials import TIMESTAMP, TakenRequests

log = structlog.get_logger(__name__)

Acknowledge = Callable[..., Awaitable[object]]

_SENT_AT: Final = "X-Slack-Request-Timestamp"
_SIGNED: Final = "X-Slack-Signature"
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}")
#: The most characters of Slack's request to check the certificate, which has only two fields.
_SSL_CHECK_LIMIT: Final = 1_000


def clock_is_off(ahead: timedelta) -> str:
    minutes = max(1, round(abs(ahead) / timedelta(minutes=1)))
    way = "ahead of" if ahead > timedelta() else "behind"
    return f"this machine's clock is {minutes:,} min {way} Slack's"


#: The seconds for which refused requests make `warning` speak.
_TELLING: Final = 600
#: The most seconds by which Slack's requests of one clock differ: some take longer on their way.
_ON_THE_WAY: Final = 5
#: The unsigned requests in a row that make `warning` speak: a stranger's few say nothing.
_UNSIGNED: Final = 5


class RefusedRequests:
    """The requests that Slack's address refused, and what they say of the clock and the secret.

    Anybody may send a request, and whoever saw a signed one may repeat it. So a clock counts as
    wrong only where the times of two requests go on with it, and an accepted request ends both.
    """

    def __init__(self) -> None:
        self._last: tuple[str, float] | None = None
        self._warning: tuple[float, str] | None = None
        self._unsigned = 0

    def at_wrong_time(self, now: float, timestamp: str) -> int:
        """Return the seconds by which this clock is ahead of a signed request's timestamp."""
        ahead = now - int(timestamp)
        if self._last is not None:
            before, was_ahead = self._last
            if timestamp != before and abs(ahead - was_ahead) <= _ON_THE_WAY:
                off = clock_is_off(timedelta(seconds=ahead))
                self._warning = now, f"{off}, or somebody repeats old requests"
        self._last = timestamp, ahead
        return round(ahead)

    def unsigned(self, now: float) -> None:
        self._unsigned += 1
        if self._unsigned >= _UNSIGNED:
            refused = f"{self._unsigned:,} requests at /slack/events were refused"
            why = "SLACK_SIGNING_SECRET is not this app's, or somebody else sends them"
            self._warning = now, f"{refused} and none accepted: {why}"

    def accepted(self) -> None:
        self._last = self._warning = None
        self._unsigned = 0

    def warning(self, now: float) -> str | None:
        """Return what is wrong with the clock or the secret, if requests showed it lately."""
        if self._warning is None or not 0 <= now - self._warning[0] < _TELLING:
            return None
        return self._warning[1]


def add_routes(
    app: web.Application,
    bolt: AsyncApp,
    *,
    signing_secrets: Iterable[str],
    refused: RefusedRequests | None = None,
) -> None:
    verifiers = tuple(map(SignatureVerifier, signing_secrets))
    take = partial(
        on_slack_event,
        bolt=bolt,
        verifiers=verifiers,
        refused=refused or RefusedRequests(),
        taken=TakenRequests(),
    )
    app.router.add_post("/slack/events", take)


async def on_slack_event(
    request: web.Request,
    *,
    bolt: AsyncApp,
    verifiers: Sequence[SignatureVerifier],
    refused: RefusedRequests,
    taken: TakenRequests,
) -> web.StreamResponse:
    """Pass a signed request on to Bolt, once; refuse all other requests."""
    text = _text_of(requests.content_of(await requests.read_body(request, of=None)))
    signer = _signer(request, text, verifiers)
    timestamp = request.headers.get(_SENT_AT, "")
    if signer is None or not signer.is_valid(text, timestamp, request.headers[_SIGNED]):
        # Slack checks the certificate with an unsigned request:
        # https://docs.slack.dev/interactivity/implementing-slash-commands
        if len(text) <= _SSL_CHECK_LIMIT and parse_qs(text).get("ssl_check") == ["1"]:
            return web.Response()
        if signer is None:
            refused.unsigned(Clock().now())
            log.warning("slack_signature_refused", hint="is SLACK_SIGNING_SECRET this app's?")
            message = "The request is not signed with this app's signing secret."
        else:
            # Somebody repeats a recorded request, or a clock is wrong.
            seconds = refused.at_wrong_time(signer.clock.now(), timestamp)
            log.warning("slack_timestamp_refused", seconds=seconds, hint="is the clock right?")
            message = "The request's time is not this machine's."
        return requests.refusal(401, "unauthorized", message)
    refused.accepted()
    sent, signature = asyncio.Event(), request.headers[_SIGNED]
    try:
        # Bolt gets a parsed body, as in socket mode: its own parser is slow, 0.1 ms for each kB.
        payload = _payload_of(text, request.content_type)
        for_bolt = AsyncBoltRequest(mode="socket_mode", body=payload, context={RESPONSE_SENT: sent})
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError):
        # Bolt takes ids from the body unchecked, and raises these errors for an odd body.
        return _not_slacks()
    if not _can_be_matched(for_bolt.body):
        return _not_slacks()
    # Slack signs each request anew, also an event that it sends again. So whoever sends the same
    # signature saw the request on its way, and a press would count again after *Take back*.
    if not taken.add(signature, now=[datetime.fromtimestamp(signer.clock.now(), UTC)]):
        log.warning("slack_request_repeated", hint="does a proxy repeat requests, or log them?")
        return web.Response()
    is_taken = False
    try:
        answer = await bolt.async_dispatch(for_bolt)
        is_taken = answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        response: web.StreamResponse = await to_aiohttp_response(answer)
        # A lost connection is left to aiohttp, which meets the error again and handles it.
        with suppress(ConnectionError):
            await response.prepare(request)
            await response.write_eof()
    finally:
        if not is_taken:
            taken.forget(signature)
        sent.set()
    return response


def _payload_of(text: str, content_type: str) -> dict[str, Any]:
    """Parse an event (JSON), a press (JSON in a form) or a command (a form).

    Raises ValueError or RecursionError.
    """
    if content_type != "application/json" and not text.startswith("{"):
        form = dict(query_to_pairs(text))
        if "payload" not in form:
            return form
        text = form["payload"]
    payload = json.loads(text)
    if not isinstance(payload, dict):
        raise ValueError("no payload of Slack's is another JSON value")  # noqa: TRY004
    return payload


def _can_be_matched(body: Mapping[str, object]) -> bool:
    """Return True if the fields by which Bolt finds a listener are well-formed."""
    actions = body.get("actions", [{}])
    if not isinstance(actions, list) or not actions:
        return False
    of_view = str(body.get("type")).startswith("view_")
    view = body.get("view") if of_view else body.get("view") or {}
    objects = (*actions, body.get("event", {}), view)
    return all(isinstance(part, dict) for part in objects)


def _not_slacks() -> web.Response:
    return requests.malformed("The body is not one of Slack's payloads.")


def _text_of(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise requests.RequestRefused(requests.malformed("The body is not UTF-8.")) from None


def _signer(
    request: web.Request, text: str, verifiers: Iterable[SignatureVerifier]
) -> SignatureVerifier | None:
    """Return the verifier whose secret signed the request, at whatever time; None if none did."""
    timestamp = request.headers.get(_SENT_AT, "")
    signature = request.headers.get(_SIGNED, "")
    if not TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return None
    for one in verifiers:
        made = one.generate_signature(timestamp=timestamp, body=text)
        if made is not None and compare_digest(made, signature):
            return one
    return None

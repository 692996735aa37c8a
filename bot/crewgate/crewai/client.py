"""The HTTP client of a crew, `HttpCrew`.

The client must know if a resume or a kickoff may have taken effect. Nothing was sent without a
connection: httpx raises ConnectError (refused, DNS and TLS alike), ConnectTimeout, PoolTimeout or
ProxyError. After any later failure nobody can say. A write error does not even surface: httpcore
reads on, since a server may answer before it has read everything.
"""

import asyncio
import json
from collections.abc import Callable, Collection
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import responses
from typing import TypeVar
from urllib.parse import quote

import httpx
from typing_extensions import override

from crewgate.crewai import payloads
from crewgate.crewai.kickoff import kickoff_body, parse_started
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.outcome import Delivered, Exchange, NotSent, Outcome, Refused, Unknown
from crewgate.domain.redaction import Redactor, without_paths
from crewgate.domain.retry import LONGEST_ASKED
from crewgate.network import client
from crewgate.usecases.ports.base import LARGE, OffLoop
from crewgate.usecases.ports.crew import (
    CrewClient,
    KickoffAnswer,
    KickoffOutcome,
    KickoffRequest,
    ResumeRequest,
)
from crewgate.usecases.read_models import CrewUnavailable, Progress

T = TypeVar("T")

ParseSuccess = Callable[[int, bytes, str], Delivered | Refused | Unknown]
"""Reads the status, body and content type of an answer whose status is 2xx."""


def outcome_of(
    answer: client.Answer, *, parse: ParseSuccess, now: datetime, takes_once: bool
) -> Outcome:
    """Return the outcome that an answer, already redacted, shows; `parse` reads those with 2xx.

    `takes_once`: the other side takes the request once, however often it is sent.
    """
    match answer.status:
        case _ if answer.is_success:
            return parse(answer.status, answer.body, answer.content_type)
        # A proxy may say so after the other side took the request.
        case HTTPStatus.SERVICE_UNAVAILABLE if takes_once:
            pass
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            wait = _wait(answer.retry_after, now)
            return NotSent(str(answer.status), wait, words=error_words(answer))
        # A gateway says 408 if the crew behind it took too long: the crew may have got the request.
        case HTTPStatus.REQUEST_TIMEOUT:
            pass
        case code if 300 <= code < 500:  # noqa: PLR2004
            return Refused(str(code), error_words(answer))
    return Unknown(str(answer.status), words=error_words(answer), code=str(answer.status))


async def redacted(
    answer: client.Answer, redactor: Redactor, off_loop: OffLoop, addresses: Collection[str] = ()
) -> client.Answer:
    """Remove secrets before anything cuts the answer: half a secret would not be found.

    Of the addresses at the hosts of `addresses`, scheme and host are left.
    """

    def clean(body: bytes) -> bytes:
        text = redactor.body(body).decode(errors="surrogateescape")
        return without_paths(text, addresses).encode(errors="surrogateescape")

    return replace(answer, body=await read_body(clean, answer.body, off_loop))


async def read_body(read: Callable[[bytes], T], body: bytes, off_loop: OffLoop) -> T:
    """Read a body on the event loop, or in a thread if the body is large."""
    return read(body) if len(body) <= LARGE else await off_loop(read, body)


def error_words(answer: client.Answer) -> str:
    """Return the other side's words about the failure, else the name of its status."""
    return payloads.parse_error(answer.body) or responses.get(answer.status, "no reason given")


def _wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """Read `Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3); LONGEST_ASKED at most."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        # A number of seven digits or more is beyond LONGEST_ASKED in any case.
        wait = timedelta(seconds=int(text)) if len(text) <= 6 else LONGEST_ASKED  # noqa: PLR2004
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(wait, LONGEST_ASKED))


@dataclass(eq=False, repr=False)
class HttpCrew(CrewClient):
    """The REST API of one deployed crew.

    `kickoff_http` has separate connections for kickoffs: kickoffs can take minutes, and must not
    use up the connections for resumes.
    """

    http: httpx.AsyncClient
    url: str
    token: str
    _: KW_ONLY
    clock: Callable[[], datetime]
    off_loop: OffLoop = asyncio.to_thread
    timeouts: client.Timeouts = client.TIMEOUTS
    kickoff_http: httpx.AsyncClient | None = None
    redactor: Redactor = field(default_factory=Redactor)

    def __post_init__(self) -> None:
        self.url = base_url(self.url)
        self.redactor = self.redactor.also((self.token,))
        self.headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            # The crew must not compress its answers: a few bytes could unpack to gigabytes.
            "Accept-Encoding": "identity",
            "Connection": "close",
        }

    @override
    async def resume(self, request: ResumeRequest) -> Outcome:
        body = json.dumps(payloads.resume_body(request)).encode()
        answer = await self._post(self.http, "/resume", body, self.timeouts.resume)
        if not isinstance(answer, client.Answer):
            lost = isinstance(answer, Unknown)
            return replace(answer, exchange=Exchange(body)) if lost else answer
        # A crew may repeat the request in its answer, so what opens its webhooks is hidden as well.
        webhooks = request.webhooks
        redactor = self.redactor.also((webhooks.token,))
        shown = await redacted(answer, redactor, self.off_loop, webhooks.addresses)
        outcome = outcome_of(
            shown,
            parse=payloads.parse_resume_answer,
            now=self.clock(),
            takes_once=request.key is not None,
        )
        if isinstance(outcome, Refused) and answer.status == HTTPStatus.BAD_REQUEST:
            outcome = replace(outcome, kind=payloads.parse_refusal(shown.body))
        return replace(outcome, exchange=Exchange(body, answer.body))

    @override
    async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome:
        body = kickoff_body(request, webhooks)
        http = self.kickoff_http or self.http
        answer = await self._post(http, "/kickoff", body, self.timeouts.kickoff)
        if not isinstance(answer, client.Answer):
            return answer
        shown = await redacted(answer, self.redactor, self.off_loop)
        passed_on = KickoffAnswer(
            status=shown.status,
            body=shown.body,
            content_type=shown.content_type,
            retry_after=shown.retry_after,
        )
        if answer.is_success:
            return replace(passed_on, execution_id=parse_started(answer.body))
        return replace(
            passed_on, missing=payloads.parse_missing_inputs(shown.body), words=error_words(shown)
        )

    @override
    async def status(self, execution_id: str) -> Progress | CrewUnavailable:
        if execution_id in {".", ".."}:  # quoted or not, such a segment changes the path
            why = "no crew can be asked for an execution of this name"
            return CrewUnavailable(why, answered=True)
        path = f"/status/{quote(execution_id, safe='')}"
        return await self._get(path, payloads.parse_status, self.timeouts.status)

    @override
    async def inputs(self) -> tuple[str, ...] | CrewUnavailable:
        return await self._get("/inputs", payloads.parse_inputs, self.timeouts.inputs)

    @override
    async def ping(self) -> CrewUnavailable | None:
        answer = await self._get("/inputs", payloads.parse_inputs, self.timeouts.status)
        return answer if isinstance(answer, CrewUnavailable) else None

    async def _post(
        self,
        http: httpx.AsyncClient,
        path: str,
        body: bytes,
        timeout: client.Timeout,  # noqa: ASYNC109
    ) -> client.Answer | NotSent | Unknown:
        headers = self.headers | {"Content-Type": "application/json"}
        request = http.build_request("POST", self.url + path, content=body, headers=headers)
        return await client.attempt(http, request, timeout)

    async def _get(
        self,
        path: str,
        parse: Callable[[bytes], T],
        timeout: client.Timeout,  # noqa: ASYNC109
    ) -> T | CrewUnavailable:
        request = self.http.build_request("GET", self.url + path, headers=self.headers)
        answer = await client.attempt(self.http, request, timeout)
        if not isinstance(answer, client.Answer):
            return CrewUnavailable(answer.why)
        answer = await redacted(answer, self.redactor, self.off_loop)
        if answer.status == HTTPStatus.OK:
            try:
                return await read_body(parse, answer.body, self.off_loop)
            except Malformed as error:
                return CrewUnavailable(f"the answer is not understood: {error}", answered=True)
        unauthorized = answer.status == HTTPStatus.UNAUTHORIZED
        words = "token not accepted" if unauthorized else error_words(answer)
        why = f"{answer.status}: {words}"
        # Only JSON of the crew's own says that an execution is gone: a web page or a plain text
        # comes from a proxy, which knows nothing of executions.
        gone = answer.status == HTTPStatus.NOT_FOUND and payloads.is_crews_own(answer.body)
        return CrewUnavailable(why, gone=gone, answered=True)


def base_url(url: str) -> str:
    """Return the URL that paths are appended to. Raises ValueError, without repeating the URL."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise ValueError("a crew's URL begins with https:// (or http://) and a host")
    # A user in the URL would take the place of the bearer token.
    if parts.userinfo or parts.query or parts.fragment:
        raise ValueError("a crew's URL has no user, query or fragment")
    return str(parts).rstrip("/")

"""Calling a crew: `POST /resume` as an outcome, `GET /status` and `GET /inputs` as answers.

What matters is whether a resume may have taken effect. Nothing was sent when no connection came
about: httpx tells by ConnectError (refused, DNS and TLS alike), ConnectTimeout, PoolTimeout and
ProxyError. Of everything that goes wrong later nobody can say. A write error does not even
surface: httpcore reads on, since a server may answer before it has read everything.

Every request has a connection of its own. A kept one may have been closed by the crew meanwhile,
and then a mere restart of the crew would look like an answer that was lost.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import httpx

from bot.crewai.payloads import (
    parse_error,
    parse_inputs,
    parse_resume_answer,
    parse_status,
    resume_body,
)
from bot.crewai.transport_errors import UNSENT, why_lost, why_unsent
from bot.domain.errors import Malformed
from bot.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from bot.usecases.read_models import Progress, StatusUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.notification import WebhookUrls
    from bot.domain.verdict import Decision

T = TypeVar("T")

#: How much of an answer is read, in bytes.
ANSWER_LIMIT = 2**20

#: The longest wait a crew can ask for; a mistaken date must not park a decision for years.
LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a crew may take, in seconds. The last three are limits for a whole call."""

    connect: float = 5
    write: float = 10
    read: float = 30
    resume: float = 60
    """Shorter than the outbox's lease, or a second try could begin while this one lasts."""
    status: float = 2
    inputs: float = 10


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    retry_after: str | None
    content_type: str = ""


def open_client(*, trust_env: bool = True) -> httpx.AsyncClient:
    """The client that all crews share.

    With `trust_env` it goes through the proxy that the environment names, but never to this
    machine itself. Cookies are not kept: one crew's must not reach another.
    """
    return httpx.AsyncClient(
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=0),
        mounts={"all://127.0.0.1": None, "all://localhost": None},
        headers={"User-Agent": "crewgate"},
        follow_redirects=False,
        trust_env=trust_env,
    )


class HttpCrew:
    """One deployed crew's REST API."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        token: str,
        *,
        clock: Callable[[], datetime],
        timeouts: Timeouts | None = None,
    ) -> None:
        self._http = http
        self._base = _base(url)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            # Unpacking could make gigabytes out of the little that is read.
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        self._clock = clock
        self._timeouts = timeouts or Timeouts()

    async def resume(
        self, execution_id: str, task_id: str, decision: Decision, webhooks: WebhookUrls
    ) -> Outcome:
        """Tell the crew a decision, in one try."""
        body = json.dumps(resume_body(execution_id, task_id, decision, webhooks)).encode()
        try:
            answer = await self._ask("POST", "/resume", body, seconds=self._timeouts.resume)
        except UNSENT as lost:
            return NotSent(why_unsent(lost))
        except (httpx.HTTPError, TimeoutError) as lost:
            return Unknown(why_lost(lost))
        return self._outcome(answer)

    async def status(self, execution_id: str) -> Progress | StatusUnavailable:
        """Ask how far an execution is."""
        if execution_id in (".", ".."):  # would be another path, whatever the quoting
            return StatusUnavailable("no crew can be asked for an execution of this name")
        path = f"/status/{quote(execution_id, safe='')}"
        return await self._look(path, parse_status, seconds=self._timeouts.status)

    async def inputs(self) -> tuple[str, ...] | StatusUnavailable:
        """Ask for the names of the required inputs: shows whether URL and token are right."""
        return await self._look("/inputs", parse_inputs, seconds=self._timeouts.inputs)

    async def ping(self) -> str | None:
        """Why the crew does not answer, or None; see `usecases.overview.CrewProbe`."""
        found = await self._look("/inputs", parse_inputs, seconds=self._timeouts.status)
        return found.why if isinstance(found, StatusUnavailable) else None

    async def _look(
        self, path: str, parse: Callable[[bytes], T], *, seconds: float
    ) -> T | StatusUnavailable:
        try:
            answer = await self._ask("GET", path, seconds=seconds)
            if answer.status == HTTPStatus.OK:
                return parse(answer.body)
        except UNSENT as lost:
            return StatusUnavailable(why_unsent(lost))
        except TimeoutError:
            return StatusUnavailable(f"no answer within {seconds:g} s")
        except httpx.HTTPError as lost:
            return StatusUnavailable(why_lost(lost))
        except Malformed as odd:
            return StatusUnavailable(f"the answer is not understood: {odd}")
        unauthorized = answer.status == HTTPStatus.UNAUTHORIZED
        why = "401: token not accepted" if unauthorized else _with_code(answer)
        return StatusUnavailable(why, gone=answer.status == HTTPStatus.NOT_FOUND)

    async def _ask(
        self, method: str, path: str, body: bytes | None = None, *, seconds: float
    ) -> _Answer:
        """Ask, within so many seconds in all; what comes of the body may be cut short.

        Raises httpx.HTTPError or TimeoutError when not even a status came.
        """
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        timeouts = self._timeouts
        timeout = httpx.Timeout(
            connect=timeouts.connect,
            write=timeouts.write,
            read=timeouts.read,
            pool=timeouts.connect,
        )
        request = self._http.build_request(
            method, self._base + path, content=body, headers=headers, timeout=timeout
        )
        deadline = asyncio.get_running_loop().time() + seconds
        async with asyncio.timeout_at(deadline):
            response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            read = await _read(response, deadline)
        finally:
            await response.aclose()
        came = response.headers
        return _Answer(
            response.status_code, read, came.get("Retry-After"), came.get("Content-Type", "")
        )

    def _outcome(self, answer: _Answer) -> Outcome:
        match answer.status:
            case code if 200 <= code < 300:  # noqa: PLR2004
                words, status = parse_resume_answer(answer.body)
                return Delivered(words, status)
            case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
                return NotSent(_with_code(answer), _wait(answer.retry_after, self._clock()))
            # A gateway's way to say that the crew behind it took too long.
            case HTTPStatus.REQUEST_TIMEOUT:
                return Unknown(_with_code(answer))
            case HTTPStatus.BAD_REQUEST as code:
                return Refused(str(code), _words(answer), RefusalKind.NOT_PENDING)
            case code if 300 <= code < 500:  # noqa: PLR2004
                return Refused(str(code), _words(answer))
        return Unknown(_with_code(answer))


def _base(url: str) -> str:
    """The URL that paths are appended to. Raises ValueError, without repeating the URL."""
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


async def _read(response: httpx.Response, deadline: float) -> bytes:
    """The beginning of the body; whatever there is of it when the connection is lost."""
    parts: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout_at(deadline):
            async for part in response.aiter_raw():
                parts.append(part)
                length += len(part)
                if length >= ANSWER_LIMIT:
                    break
    except (httpx.HTTPError, TimeoutError):
        pass  # the status has come, and it says what matters
    return b"".join(parts)[:ANSWER_LIMIT]


def _words(answer: _Answer) -> str:
    if words := parse_error(answer.body):
        return words
    known = {status.value: status.phrase for status in HTTPStatus}
    return known.get(answer.status, "no reason given")


def _with_code(answer: _Answer) -> str:
    return f"{answer.status}: {_words(answer)}"


def _wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """Read `Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        # More digits than a day has seconds are not worth reading.
        seconds = int(text) if len(text) <= 6 else LONGEST_WAIT.total_seconds()  # noqa: PLR2004
        wait = timedelta(seconds=seconds)
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(wait, LONGEST_WAIT))

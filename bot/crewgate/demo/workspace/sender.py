"""Delivers to the bot: signed HTTP requests, or envelopes over a socket."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import urlencode

import aiohttp

from crewgate.demo.workspace.socket import Sockets
from crewgate.demo.workspace.text import Json
from crewgate.demo.workspace.world import World

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

Kind = Literal["interactive", "slash_commands", "events_api"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The bot's answer to one thing Slack sent."""

    status: int
    """The HTTP status; 200 for a socket's acknowledgement; 0 when no answer came in time."""
    body: Any = ""
    """The parsed JSON, or the text as it came."""
    seconds: float = 0
    problem: str = ""
    """The reason for an error that the person sees, although the status may be 200; else empty."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """A modal's errors by block id."""

    @property
    def ok(self) -> bool:
        """True if the person saw no error at all."""
        return self.status == 200 and not self.problem and not self.errors  # noqa: PLR2004


class Sender:
    """Delivers payloads to the bot and brings back its replies."""

    def __init__(
        self, world: World, sockets: Sockets, signing_secret: str, ack_seconds: float
    ) -> None:
        self.events_url: str | None = None
        self._now = world.now
        self._sockets = sockets
        self._secret = signing_secret.encode()
        self._limit = aiohttp.ClientTimeout(total=ack_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, kind: Kind, payload: Json, retry: tuple[int, str] | None = None) -> Reply:
        """Deliver one payload; `retry` says which repetition of an event it is, and why."""
        began = self._now()
        if self.events_url is None:
            body, problem = await self._sockets.send(kind, payload, retry)
            reply = Reply(0 if problem else 200, body, problem=problem)
        else:
            content, content_type = _encode(kind, payload)
            headers = _retry_headers(retry) | {"Content-Type": content_type}
            reply = await self.post(content, headers=headers)
        return replace(reply, seconds=self._now() - began)

    async def post(
        self,
        content: bytes,
        *,
        headers: Mapping[str, str],
        timestamp: str | None = None,
        signature: str | None = None,
    ) -> Reply:
        """POST a body to the bot, signed unless a timestamp or signature is given."""
        if self.events_url is None:
            raise ValueError("set events_url first: there is no HTTP in Socket Mode")
        stamp = timestamp if timestamp is not None else str(int(self._now()))
        signed = {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature if signature is not None else self.sign(content, stamp),
        }
        self._session = self._session or aiohttp.ClientSession()
        try:
            async with self._session.post(
                self.events_url, data=content, headers={**headers, **signed}, timeout=self._limit
            ) as response:
                text = await response.text()
                return Reply(response.status, _parse(text, response.content_type))
        except asyncio.TimeoutError:  # noqa: UP041 - aiohttp raises its own kind of it
            return Reply(0, problem="no answer in time")
        except aiohttp.ClientError as error:
            return Reply(0, problem=f"not reached: {error}")

    def sign(self, content: bytes, timestamp: str) -> str:
        """The signature of a body, as https://docs.slack.dev/authentication describes it."""
        signed = b"v0:" + timestamp.encode() + b":" + content
        return "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()


def _encode(kind: Kind, payload: Json) -> tuple[bytes, str]:
    match kind:
        case "interactive":
            return urlencode({"payload": json.dumps(payload)}).encode(), FORM
        case "slash_commands":
            return urlencode(payload).encode(), FORM
        case "events_api":
            return json.dumps(payload).encode(), JSON


def _retry_headers(retry: tuple[int, str] | None) -> dict[str, str]:
    if retry is None:
        return {}
    return {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}


def _parse(text: str, content_type: str) -> Any:  # noqa: ANN401 - JSON
    """The body's JSON, where it claims or seems to be some."""
    if content_type == JSON or text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text

"""Delivery to the bot: signed HTTP requests."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlencode

import aiohttp

from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.world import World

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

Kind = Literal["interactive", "slash_commands", "events_api"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The bot's answer to a delivery."""

    status: int
    """The HTTP status; 200 for a socket's acknowledgement; 0 for no answer in time."""
    body: Any = ""
    """The parsed JSON, or the raw text."""
    problem: str = ""
    """The error that the person sees, perhaps in spite of status 200; else empty."""
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status == 200 and not self.problem and not self.errors  # noqa: PLR2004


class Sender:
    """Delivers payloads to the bot and returns its replies."""

    def __init__(
        self,
        world: World,
        *,
        signing_secret: str = "0123456789abcdef0123456789abcdef",
        ack_seconds: float = 3,
    ) -> None:
        """The bot must answer within `ack_seconds`."""
        self.events_url: str | None = None
        self.signing_secret = signing_secret
        self._now = world.now
        self._limit = aiohttp.ClientTimeout(total=ack_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, kind: Kind, payload: Json) -> Reply:
        """Sign and post a payload; return the bot's reply."""
        content, content_type = encode(kind, payload)
        return await self.post(content, {"Content-Type": content_type, **self.sign(content)})

    async def post(self, content: bytes, headers: Mapping[str, str]) -> Reply:
        if self.events_url is None:
            raise ValueError("set events_url first")
        self._session = self._session or aiohttp.ClientSession()
        try:
            async with self._session.post(
                self.events_url, data=content, headers=headers, timeout=self._limit
            ) as response:
                text = await response.text()
                return Reply(response.status, _parse(text, response.content_type))
        except asyncio.TimeoutError:  # noqa: UP041 - aiohttp raises its own kind of it
            return Reply(0, problem="no answer in time")
        except aiohttp.ClientError as error:
            return Reply(0, problem=f"not reached: {error}")

    def sign(self, content: bytes, timestamp: str = "") -> dict[str, str]:
        """Sign a body, as https://docs.slack.dev/authentication describes it."""
        timestamp = timestamp or str(int(self._now()))
        signed = b"v0:" + timestamp.encode() + b":" + content
        digest = hmac.new(self.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


def encode(kind: Kind, payload: Json) -> tuple[bytes, str]:
    match kind:
        case "interactive":
            return urlencode({"payload": json.dumps(payload)}).encode(), FORM
        case "slash_commands":
            return urlencode(payload).encode(), FORM
        case "events_api":
            return json.dumps(payload).encode(), JSON


def _parse(text: str, content_type: str) -> Any:  # noqa: ANN401 - JSON
    """Return the body's JSON, if it claims or seems to be JSON, else the text."""
    if content_type == JSON or text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text

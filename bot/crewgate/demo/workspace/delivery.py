"""Delivery to the bot: signed HTTP requests, or envelopes over the websockets of Socket Mode."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.world import APP_ID, World

#: A pong in the form of the SDK's, with a time that is no number.
GARBLED: Final = b"sdk-ping-pong:nan"


@dataclass(eq=False, slots=True)
class _Socket:
    stream: web.WebSocketResponse
    request: web.Request
    silent: bool = False
    garbled: bool = False
    leaving: bool = False
    """Slack asked for a reconnect: the socket still gets answers, but no new payloads."""
    acks: dict[str, asyncio.Future[Any]] = field(default_factory=dict)


class Sockets:
    """The connected sockets."""

    def __init__(self, world: World, ack_seconds: float) -> None:
        self.open: list[_Socket] = []
        self.ever = 0
        self._world = world
        self._ack_seconds = ack_seconds
        self._tickets: set[str] = set()

    def ticket(self) -> str:
        ticket = self._world.new_id("ticket-")
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until either side closes the connection."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="this link has been used or never existed")
        self._tickets.remove(ticket)
        stream = web.WebSocketResponse(autoping=False)
        await stream.prepare(request)
        socket = _Socket(stream, request)
        self.open.append(socket)
        self.ever += 1
        try:
            await stream.send_json(self._hello())
            self._world.changes.announce("socket", "connected")
            await self._listen(socket)
        except ConnectionError:
            pass  # The client has disconnected.
        finally:
            self.open.remove(socket)
            for ack in socket.acks.values():
                ack.cancel()
            self._world.changes.announce("socket", "closed")
        return stream

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {"host": "applink-demo", "approximate_connection_time": 18_060},
            "connection_info": {"app_id": APP_ID},
        }

    async def _listen(self, socket: _Socket) -> None:
        async for frame in socket.stream:
            if socket.silent:
                continue
            if frame.type is WSMsgType.PING:
                await socket.stream.pong(GARBLED if socket.garbled else frame.data)
            elif frame.type is WSMsgType.TEXT and frame.data.startswith("{"):
                answer = json.loads(frame.data)
                ack = socket.acks.get(answer.get("envelope_id", ""))
                if ack is not None and not ack.done():
                    ack.set_result(answer.get("payload") or "")

    async def send(
        self, kind: str, payload: Json, retry: tuple[int, str] | None
    ) -> tuple[Any, str]:
        """Deliver a payload to the newest socket; return the answer, and the problem if any."""
        socket = next((one for one in reversed(self.open) if not one.leaving), None)
        if socket is None:
            return "", "no socket is connected"
        envelope: Json = {
            "type": kind,
            "envelope_id": self._world.new_id("envelope-"),
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if retry is not None:
            envelope |= {"retry_attempt": retry[0], "retry_reason": retry[1]}
        ack = asyncio.get_running_loop().create_future()
        socket.acks[envelope["envelope_id"]] = ack
        try:
            if not socket.silent:
                await socket.stream.send_json(envelope)
            await asyncio.wait({ack}, timeout=self._ack_seconds)
        except ConnectionError:
            return "", "the socket was cut"
        finally:
            del socket.acks[envelope["envelope_id"]]
        if ack.cancelled():
            return "", "the socket was cut"
        return (ack.result(), "") if ack.done() else ("", "no answer in time")

    async def refresh(self) -> None:
        for socket in list(self.open):
            socket.leaving = True
            if not socket.silent and not socket.stream.closed:
                await socket.stream.send_json(
                    {
                        "type": "disconnect",
                        "reason": "refresh_requested",
                        "debug_info": {"host": "applink-demo"},
                    }
                )

    async def send_frame(self, text: str) -> None:
        for socket in self.open:
            await socket.stream.send_str(text)

    def drop(self) -> None:
        """Abort every connection without a closing frame."""
        for socket in self.open:
            socket.leaving = True
            if socket.request.transport is not None:
                socket.request.transport.abort()

    def silence(self) -> None:
        """Stop sending and answering on the connected sockets, as after a lost NAT entry."""
        for socket in self.open:
            socket.silent = True

    def garble(self) -> None:
        """Answer pings on the connected sockets with invalid pongs."""
        for socket in self.open:
            socket.garbled = True


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
    seconds: float = 0
    problem: str = ""
    """The error that the person sees, perhaps in spite of status 200; else empty."""
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status == 200 and not self.problem and not self.errors  # noqa: PLR2004


class Sender:
    """Delivers payloads to the bot and returns its replies."""

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
        """Deliver one payload; `retry` is the number and reason of an event's repetition."""
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
        """Sign a body, as https://docs.slack.dev/authentication describes it."""
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
    """Return the body's JSON, if it claims or seems to be JSON, else the text."""
    if content_type == JSON or text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text

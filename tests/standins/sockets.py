"""Socket Mode of the stand-in workspace: envelopes over websockets, with their failures."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final

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

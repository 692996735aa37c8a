"""Socket Mode: an outgoing connection to Slack, for bots without a public address."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from crewgate.usecases.ports.base import end_turn
from crewgate.usecases.ports.slack import RESPONSE_SENT

log = structlog.get_logger(__name__)

#: Seconds from Slack's `disconnect` after which a new connection means a gap: events may be lost.
GAP_SECONDS = 5


def _parse_frame(text: str) -> dict[str, object] | None:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_known = isinstance(frame, dict) and isinstance(frame.get("payload", {}), dict)
    return frame if is_known else None


class _Client(SocketModeClient):
    """Drops frames for which the SDK would log a traceback."""

    async def enqueue_message(self, message: str) -> None:
        if _parse_frame(message) is None:
            log.warning("socket_frame_odd")
        else:
            await super().enqueue_message(message)


class _Handler(AsyncSocketModeHandler):
    """Tells a listener when its acknowledgement was sent."""

    def __init__(self, app: AsyncApp, app_token: str, *, ping: float) -> None:
        # The base class's `__init__` would make a client of its own, whose session nobody closes.
        self.app = app
        self.app_token = app_token
        self.client = _Client(
            app_token=app_token, logger=app.logger, web_client=app.client, ping_interval=ping
        )
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        sent = asyncio.Event()
        request = AsyncBoltRequest(
            mode="socket_mode",
            body=req.payload,
            headers=build_headers(req),
            context={RESPONSE_SENT: sent},
        )
        try:
            response = await self.app.async_dispatch(request)
            await send_async_response(client, req, response, start_time=0)
        finally:
            sent.set()


class SocketMode:
    """One connection to Slack, kept up.

    `ping` is the time between two pings, in seconds. A connection that misses four pings is
    replaced: it can go silent without closing. `on_gap` is called at each connection, except within
    GAP_SECONDS of Slack's request to replace one.
    """

    def __init__(
        self, app: AsyncApp, app_token: str, *, ping: float, on_gap: Callable[[], None]
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._ping = ping
        self._on_gap = on_gap
        self._leaving_at: float | None = None
        self.warning: str | None = "the socket is not connected yet"
        """The reason why nothing can come from Slack; None while it can."""

    async def run(self) -> None:
        handler = _Handler(self._app, self._app_token, ping=self._ping)
        handler.client.on_message_listeners.append(self._on_message)
        # `connect_async` returns only once it is connected, hence a task; later the SDK reconnects.
        connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]
        processing = handler.client.message_processor
        try:
            while True:
                connected = await handler.client.is_connected()
                warning = None if connected else "the socket is not connected"
                if not connected:
                    # A socket's address holds for one connection, but the SDK would use it again.
                    handler.client.wss_uri = None
                if bool(warning) != bool(self.warning):
                    log.warning("socket_lost") if warning else log.info("socket_connected")
                self.warning = warning
                end_turn.get()()
                await asyncio.wait([processing], timeout=self._ping)
                for task in (connecting, processing):
                    if task.done():
                        task.result()  # an error ends this loop too, and readiness notices that
        finally:
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def _on_message(self, message: aiohttp.WSMessage) -> None:
        beginning, now = message.data[:200], asyncio.get_running_loop().time()
        if '"disconnect"' in beginning:
            self._leaving_at = now
        elif '"hello"' in beginning and (frame := _parse_frame(message.data)) is not None:
            # The number is logged because Slack allows an app only 10 connections.
            log.info("socket_hello", connections=frame.get("num_connections"))
            self.warning = None
            if self._leaving_at is None or now - self._leaving_at > GAP_SECONDS:
                self._on_gap()
            self._leaving_at = None

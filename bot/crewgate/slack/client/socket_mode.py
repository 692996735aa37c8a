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

from crewgate.usecases.ports.base import Check, end_turn
from crewgate.usecases.ports.slack import RESPONSE_SENT

log = structlog.get_logger(__name__)

#: Seconds from Slack's `disconnect` after which a new connection means a gap: events may be lost.
GAP_SECONDS = 5
#: The pings of a minute.
MINUTE = 12


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


class Others:
    """The other connections of this Slack app, which get presses on this bot's cards too.

    Slack counts an app's connections only in a `hello`, and an ended bot's connection lasts a
    while. So several are counted again, by a new connection, after a MINUTE. Once they are warned
    of, only Slack's own renewal of connections, every few hours, counts them again: Slack may count
    a connection that was cut for about five hours, and each new connection may leave another one
    (https://github.com/slackapi/python-slack-sdk/issues/1940). `is_alone` returns False if the
    database knows of another bot, which has a connection, too.
    """

    def __init__(self, is_alone: Check) -> None:
        self._is_alone = is_alone
        self._pings_left: int | None = None
        self.warning: str | None = None

    def note(self, connections: object) -> None:
        """Note the number of connections in a `hello`; one of these is this bot's."""
        have_others = isinstance(connections, int) and connections > 1 and self._is_alone()
        if not have_others:
            self.warning = self._pings_left = None
            return
        if self._pings_left == 0 and self.warning is None:
            log.warning("slack_app_shared", connections=connections)
            self.warning = (
                "other connections of this Slack app get presses too: give each bot an app of its"
                " own; Slack counts cut ones for hours"
            )
        self._pings_left = None if self.warning else MINUTE

    def are_due(self) -> bool:
        """Count one ping; return True if the others are to be counted again now."""
        if not self._pings_left:
            return False
        self._pings_left -= 1
        return self._pings_left == 0


class SocketMode:
    """One connection to Slack, kept up.

    `ping` is the time between two pings, in seconds. A connection that misses four pings is
    replaced: it can go silent without closing. `on_gap` is called at each connection, except within
    GAP_SECONDS of Slack's request to replace one.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        ping: float,
        on_gap: Callable[[], None],
        is_alone: Check,
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._ping = ping
        self._on_gap = on_gap
        self._leaving_at: float | None = None
        self.others = Others(is_alone)
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
                if self.others.are_due():
                    # The SDK takes this for Slack's own request for a new connection.
                    await handler.client.enqueue_message('{"type": "disconnect"}')
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
        if '"disconnect"' not in beginning and '"hello"' not in beginning:
            return
        # Either word may also be a person's, in a payload.
        frame = _parse_frame(message.data) or {}
        if frame.get("type") == "disconnect":
            self._leaving_at = now
        elif frame.get("type") == "hello":
            connections = frame.get("num_connections")
            # The number is logged because Slack allows an app only 10 connections.
            log.info("socket_hello", connections=connections)
            self.others.note(connections)
            self.warning = None
            if self._leaving_at is None or now - self._leaving_at > GAP_SECONDS:
                self._on_gap()
            self._leaving_at = None

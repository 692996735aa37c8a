"""The limits of callers' connections: time to send a request, idleness, and their number.

aiohttp closes idle connections too, but ignores the limit of open files, and gives a new caller as
much time for its first request as a proxy needs between two requests.
"""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import structlog
from aiohttp import web

from crewgate.network.bodies import ARRIVING, ROOM, SMALL, Bodies
from crewgate.network.requests import Handler, malformed

log = structlog.get_logger(__name__)

#: The share of `Limits.connections` that asyncio may accept in one go: each of these connections
#: takes a file descriptor before an idle one is closed for it.
_BACKLOG_OF_CONNECTIONS = 1 / 4
#: aiohttp takes None for its access log, but the parameter's type leaves it out.
_NO_ACCESS_LOG: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one server's connections; times in seconds."""

    first_request: float = 15
    """The time from the connection to the end of the first request's headers."""
    next_request: float = 75
    """The time from an answer to the end of the next request's headers. Proxies keep connections
    for 60 s, and lose a request that they send over one that was closed earlier."""
    leftover: float = 2
    """The wait after the answer for the rest of an unread body."""
    connections: int = 500
    """Beyond this number, each new connection closes another one."""
    bodies: int = ROOM
    """The bytes of one sender's bodies in memory, and those that a small body may always have."""
    small: int = SMALL

    @classmethod
    def within(cls, files: int) -> Self:
        """Return limits within half of the files that the process may open; -1 is no limit."""
        return cls() if files < 0 else cls(connections=min(cls().connections, files // 2))

    @classmethod
    def of_process(cls) -> Self:
        return cls.within(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


class _Connection(web.RequestHandler):
    __slots__ = ("_guard",)

    def __init__(self, server: web.Server, guard: "Guard") -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=guard.limits.next_request,
            lingering_time=guard.limits.leftover,
            access_log=_NO_ACCESS_LOG,
            auto_decompress=False,  # `read_body` unpacks
        )
        self._guard = guard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._guard.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._guard.remove(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Log malformed HTTP without a traceback: the mistake is somebody else's."""
        if status != 400:  # noqa: PLR2004
            return super().handle_error(request, status, exc, message)
        log.info("no_http", why=type(exc).__name__)
        response = malformed("This is not a request in HTTP/1.1.")
        response.force_close()
        return response


class Guard:
    """Closes idle connections, and others to make room; knows the bodies of all."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._bodies = Bodies(room=limits.bodies, small=limits.small)
        self._open: set[web.RequestHandler] = set()
        self._idle: dict[web.RequestHandler, asyncio.TimerHandle | None] = {}
        """The connections without a request, the longest idle first. A timer runs until the first
        request."""

    @web.middleware
    async def mark_busy(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        self._leave_idle(connection)
        try:
            with self._bodies.arriving(connection) as request[ARRIVING]:
                return await handler(request)
        finally:
            if connection in self._open:
                self._idle[connection] = None

    def add(self, connection: web.RequestHandler) -> None:
        self._open.add(connection)
        if len(self._open) > self.limits.connections:
            self._make_room()
        later = asyncio.get_running_loop().call_later
        self._idle[connection] = later(self.limits.first_request, self._close, connection)

    def remove(self, connection: web.RequestHandler) -> None:
        self._open.discard(connection)
        self._bodies.drop(connection)
        self._leave_idle(connection)

    def _make_room(self) -> None:
        """Close the oldest connection of whoever holds most of those that wait for their caller.

        Without a request, a connection is nobody's yet; with an unfinished body it is a crew's, or
        its path's. A crew sends its request at once and never repeats it, so others' connections
        are not closed for those of one.
        """
        holders: dict[str, Collection[web.RequestHandler]] = {"": self._idle}
        holders |= self._bodies.unfinished
        of, most = max(holders.items(), key=lambda holder: len(holder[1]))
        for connection in most:
            log.info("connection_closed", open=len(self._open), of=of)
            self._close(connection)
            return

    def _close(self, connection: web.RequestHandler) -> None:
        self.remove(connection)
        transport = connection.transport
        connection.force_close()
        if transport is not None:
            transport.abort()  # a caller that never reads the answer would keep the transport open

    def _leave_idle(self, connection: web.RequestHandler) -> None:
        timer = self._idle.pop(connection, None)
        if timer is not None:
            timer.cancel()


@asynccontextmanager
async def listen(
    application: web.Application,
    where: tuple[str, int] | socket.socket,
    *,
    limits: Limits,
    shutdown_timeout: float,
) -> AsyncIterator[int]:
    """Serve an application within limits at a host and port, or a bound socket; yield the port.

    At the end it accepts no requests, and gives open ones `shutdown_timeout` seconds. Raises
    OSError.
    """
    guard = Guard(limits)
    application.middlewares.insert(0, guard.mark_busy)
    # Half, for aiohttp waits twice: for open requests, and again once it reads no more bodies.
    runner = web.AppRunner(application, shutdown_timeout=shutdown_timeout / 2)
    await runner.setup()
    try:
        server = runner.server
        assert server is not None, "the set-up made a server"
        create = partial(
            asyncio.get_running_loop().create_server,
            lambda: _Connection(server, guard),
            backlog=max(1, int(limits.connections * _BACKLOG_OF_CONNECTIONS)),
        )
        listening = await (create(*where) if isinstance(where, tuple) else create(sock=where))
        try:
            bound: int = listening.sockets[0].getsockname()[1]
            yield bound
        finally:
            listening.close()
    finally:
        await runner.cleanup()

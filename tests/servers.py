"""Real servers for what listens in tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from aiohttp import web

from crewgate.network.connections import Limits, listen

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Stranger:
    """A connection that has sent the head of a POST, and sends of its body what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(cls, url: str, sending: bytes = b"", /, **headers: str) -> Self:
        """Return once the request is under way."""
        host, _, path = url.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        stranger = cls(*await asyncio.open_connection(name, int(port)))
        lines = [f"POST /{path} HTTP/1.1", f"Host: {host}", "Expect: 100-continue"]
        lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
        await stranger.send("\r\n".join([*lines, "", ""]).encode())
        assert (await stranger._reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await stranger.send(sending)
        return stranger

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def answer(self) -> tuple[int, str]:
        """The status and the error; ends the connection."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        length = head.lower().partition("content-length: ")[2].partition("\r")[0]
        told = json.loads(await self._reader.readexactly(int(length)))
        self.leave()
        return int(head.split()[1]), told["error"]

    def leave(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def serve(
    app: web.Application, *, host: str = "127.0.0.1", **more: Any
) -> AsyncIterator[str]:
    """Serve on a free port; the base URL. Further arguments are the runner's."""
    runner = web.AppRunner(app, **more)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve_limited(app: web.Application, limits: Limits | None = None) -> AsyncIterator[str]:
    """Serve as the bot and the host do, on a free port; the base URL."""
    where = ("127.0.0.1", 0)
    async with listen(app, where, limits=limits or Limits(), shutdown_timeout=1) as port:
        yield f"http://127.0.0.1:{port}"


def takes_posts(path: str, handler: Handler) -> web.Application:
    """An application that hands every POST to one handler."""
    app = web.Application(client_max_size=2**24)
    app.router.add_post(path, handler)
    return app

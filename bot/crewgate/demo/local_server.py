"""The one HTTP server that the fakes and the proxy between them are served by."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from crewgate.demo.ports import free_port

#: The time that open connections have at a stop: one that hangs is cut.
_SHUTDOWN_SECONDS: Final = 0.01
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def forgive_hang_ups(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """End quietly when the caller has gone: a closed browser tab, a killed bot.

    There is nobody to answer and nothing to fix, but aiohttp would write a traceback.
    """
    try:
        return await handler(request)
    except (ConnectionError, web.RequestPayloadError):
        return web.Response()


class LocalServer:
    """Listens on 127.0.0.1; it can go down and come back on the same port."""

    def __init__(
        self,
        add_routes: Callable[[web.UrlDispatcher], object],
        *,
        most_bytes: int,
        on_response: Callable[[web.Request, web.StreamResponse], Awaitable[None]] | None = None,
    ) -> None:
        """Take `most_bytes` of a body."""
        self.port = 0
        self._add_routes = add_routes
        self._most_bytes = most_bytes
        self._on_response = on_response
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen; 0 is the port it had before, else any free one that can be had again."""
        if self._runner is not None:
            return
        # The application is made anew each time: aiohttp's cannot be started twice.
        application = web.Application(
            client_max_size=self._most_bytes, middlewares=[forgive_hang_ups]
        )
        self._add_routes(application.router)
        if self._on_response is not None:
            application.on_response_prepare.append(self._on_response)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        port = port or self.port or free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

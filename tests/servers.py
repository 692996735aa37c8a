"""Real servers for what listens in tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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


def takes_posts(path: str, handler: Handler) -> web.Application:
    """An application that hands every POST to one handler."""
    app = web.Application(client_max_size=2**24)
    app.router.add_post(path, handler)
    return app

"""Callers that hang up before their answer: a closed browser tab, a killed bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def forgive_hang_ups(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """End quietly when the caller has gone: there is nobody to answer, and nothing to mend.

    aiohttp would write a traceback for it.
    """
    try:
        return await handler(request)
    except (ConnectionError, web.RequestPayloadError):
        return web.Response()

"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from aiohttp import web

from bot.web.context import WebContext


async def on_healthz(_request: web.Request) -> web.Response:
    """200 while the process lives."""
    return web.json_response({"status": "alive"})


async def on_readyz(_request: web.Request, *, context: WebContext) -> web.Response:
    """200 while the bot can work, else 503 and why.

    Slack or a crew being away does not make the bot unready: it takes notifications all the same,
    because a crew never repeats one. It is said in `details`.
    """
    health = await context.check_health()
    if health.failures:
        body = {"error": "not_ready", "message": "; ".join(health.failures)}
        return web.json_response(
            body | {"details": [*health.failures, *health.warnings]}, status=503
        )
    return web.json_response({"status": "ready", "details": list(health.warnings)})

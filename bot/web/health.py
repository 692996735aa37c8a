"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Health:
    """`failures` make the bot unready; `warnings` are what somebody should look at meanwhile."""

    failures: tuple[str, ...]
    warnings: tuple[str, ...]


Examine = Callable[[], Awaitable[Health]]


def add_routes(app: web.Application, check_health: Examine) -> None:
    """Put `/healthz` and `/readyz` on the application."""
    app.router.add_get("/healthz", on_healthz)
    app.router.add_get("/readyz", partial(on_readyz, check_health=check_health))


async def on_healthz(_request: web.Request) -> web.Response:
    """200 while the process lives."""
    return web.json_response({"status": "alive"})


async def on_readyz(_request: web.Request, *, check_health: Examine) -> web.Response:
    """200 while the bot can work, else 503 and why.

    Slack or a crew being away does not make the bot unready: it takes notifications all the same,
    because a crew never repeats one. It is said in `details`.
    """
    health = await check_health()
    if health.failures:
        body = {"error": "not_ready", "message": "; ".join(health.failures)}
        return web.json_response(
            body | {"details": [*health.failures, *health.warnings]}, status=503
        )
    return web.json_response({"status": "ready", "details": list(health.warnings)})

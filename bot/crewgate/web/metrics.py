"""`GET /metrics`, and the count of what crews send."""

from collections.abc import Awaitable, Callable, Collection
from functools import cache
from itertools import product
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from crewgate.metrics import webhooks
from crewgate.network.refusals import Handler, refusal
from crewgate.web.credentials import EventKind

#: The routes with these names, and the kinds of the one for events.
_KINDS: Final = frozenset({"human-input", "flow-request", *EventKind})
#: The answers that begin at 0, so that the first one is an increase too: stored, refused, lost.
_STATUSES: Final = ("202", "401", "503")


def add_route(
    app: web.Application,
    render: Callable[[], Awaitable[bytes]],
    *,
    allows: Callable[[web.Request], bool],
) -> None:
    """Serve `/metrics` to the callers that `allows` lets in."""

    async def on_metrics(request: web.Request) -> web.Response:
        if not allows(request):
            message = "Send STATUS_TOKEN as a bearer token, or let the bot have a METRICS_PORT."
            return refusal(401, "unauthorized", message, WWW_Authenticate="Bearer")
        return web.Response(body=await render(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app.router.add_get("/metrics", on_metrics)


def count_webhooks(crews: Collection[str]) -> Middleware:
    """Return the middleware that counts the webhooks of these crews by kind and answer."""
    counter = cache(webhooks.labels)
    for labels in product(crews, _KINDS, _STATUSES):
        counter(*labels)

    @web.middleware
    async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        found = request.match_info
        crew, kind = found.get("crew"), found.get("kind", found.route.name)
        if crew in crews and kind in _KINDS:
            counter(crew, kind, str(response.status)).inc()
        return response

    return counting

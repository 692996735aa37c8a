"""Health checks: the process lives, and the bot can work."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from crewgate import __version__
from crewgate.metrics import webhooks
from crewgate.network.requests import Handler, refusal
from crewgate.web.credentials import NONCE, EventKind, is_bearer

#: The headers by which a proxy names its caller (RFC 7239 and its predecessors).
_PROXIES: Final = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")
#: The names by which programs on this machine call the bot. A page in a browser here can have its
#: own name resolve to the loopback address, and would read the answer under that name.
_OWN_HOST: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Health:
    """A check's result: `failures` make the bot unready, `warnings` ask for a person."""

    failures: tuple[str, ...]
    warnings: tuple[str, ...]


CheckHealth = Callable[[], Awaitable[Health]]


async def on_healthz(request: web.Request, *, prove: Callable[[str], str]) -> web.Response:
    """Answer 200 while the process lives; a `nonce` asks for a proof of this bot's identity."""
    body = {"status": "alive", "version": __version__}
    nonce = request.query.get("nonce", "")
    if NONCE.fullmatch(nonce):
        body["proof"] = prove(nonce)
    return web.json_response(body)


async def on_readyz(
    request: web.Request, *, check_health: CheckHealth, status_token: str | None, local: bool
) -> web.Response:
    """Answer 200 while the bot can work, else 503; reasons and warnings are not public.

    Without Slack or a crew the bot is ready all the same, since it must accept notifications, which
    a crew never repeats; `details` name such outages.
    """
    health = await check_health()
    ready = not health.failures
    status = "ready" if ready else "not_ready"
    body: dict[str, object] = {"status": status, "version": __version__}
    if not ready:
        body |= {"error": "not_ready", "message": "The bot cannot work now."}
    if may_see_details(request, status_token, local=local):
        body["details"] = [*health.failures, *health.warnings]
        if not ready:
            body["message"] = "; ".join(health.failures)
    return web.json_response(body, status=200 if ready else 503)


def is_local(public_url: str | None) -> bool:
    """Return True if the bot has no public address.

    With one, a proxy on this machine may call for strangers, and some do not say that they do.
    """
    host = None if public_url is None else urlsplit(public_url).hostname
    return host in (None, "localhost") or _is_loopback(host)


def may_see_details(request: web.Request, status_token: str | None, *, local: bool) -> bool:
    """Return True for callers with the token, and on this machine if the bot is `local`.

    A proxy on this machine that calls for others does not count as local, nor does a caller that
    names another host.
    """
    if status_token is not None and is_bearer(request.headers.get("Authorization"), status_token):
        return True
    forwarded = any(name in request.headers for name in _PROXIES)
    is_called_by_own_name = _OWN_HOST.fullmatch(request.host) is not None
    return local and not forwarded and is_called_by_own_name and _is_loopback(request.remote)


def _is_loopback(address: str | None) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


#: The kinds of webhooks that are counted: names of routes, and kinds of the route for events.
_KINDS: Final = frozenset({"human-input", "flow-request", *EventKind})
#: The answers (stored, refused, lost) whose counters begin at zero, so that Prometheus sees the
#: first increase.
_STATUSES: Final = ("202", "401", "503")


def add_route(
    app: web.Application,
    render: Callable[[], Awaitable[bytes]],
    *,
    allows: Callable[[web.Request], bool],
) -> None:

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

"""The health checks: the process lives, and it can do its work."""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from crewgate import __version__
from crewgate.web.credentials import is_bearer
from crewgate.web.proof import NONCE

#: By these a proxy says that it calls for somebody else (RFC 7239 and what came before it).
_PROXIES: Final = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")


@dataclass(frozen=True, slots=True)
class Health:
    """`failures` make the bot unready; `warnings` are what somebody should look at meanwhile."""

    failures: tuple[str, ...]
    warnings: tuple[str, ...]


CheckHealth = Callable[[], Awaitable[Health]]


async def on_healthz(request: web.Request, *, prove: Callable[[str], str]) -> web.Response:
    """Answer 200 while the process lives; with a `nonce`, prove that it is this bot."""
    body = {"status": "alive", "version": __version__}
    nonce = request.query.get("nonce", "")
    if NONCE.fullmatch(nonce):
        body["proof"] = prove(nonce)
    return web.json_response(body)


async def on_readyz(
    request: web.Request, *, check_health: CheckHealth, status_token: str | None, local: bool
) -> web.Response:
    """Answer 200 while the bot can work, else 503; the reasons and warnings are not public.

    Slack or a crew being away does not make the bot unready: it takes notifications all the same,
    because a crew never repeats one. `details` say so.
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
    """Return True if no public address could be that of a proxy.

    A public address may be that of a proxy on this machine, and some proxies do not say so.
    """
    host = None if public_url is None else urlsplit(public_url).hostname
    return host in (None, "localhost") or _is_loopback(host)


def may_see_details(request: web.Request, status_token: str | None, *, local: bool) -> bool:
    """Return True for callers with the token and, if the bot is `local`, on this machine.

    A proxy on this machine that calls for somebody else is none of these.
    """
    if status_token is not None and is_bearer(request.headers.get("Authorization"), status_token):
        return True
    forwarded = any(name in request.headers for name in _PROXIES)
    return local and not forwarded and _is_loopback(request.remote)


def _is_loopback(address: str | None) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback

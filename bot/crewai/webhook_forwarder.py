"""Bringing webhooks to callers: no redirects, and no way into the network around this bot.

A caller's URL may name any address. It is looked up once and only a public address is called,
by that address, so that a name cannot change its mind in between. A crew that is itself at a
private address may be called from there too: then its callers are private_crews.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from http import HTTPStatus
from typing import Final

import httpx

from bot.crewai.transport_errors import UNSENT, why_lost, why_unsent
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.usecases.read_models import ForwardedWebhook

SECONDS: Final = 15
_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class HttpWebhookForwarder:
    """`usecases.ports.crew.WebhookForwarder`.

    `private_crews` are the crews that live at private addresses.
    """

    def __init__(self, http: httpx.AsyncClient, *, private_crews: frozenset[str]) -> None:
        self._http = http
        self._neighbours = private_crews

    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome:
        """See `WebhookForwarder`."""
        where = httpx.URL(url)
        try:
            addresses = await _addresses(where)
        except OSError:
            return NotSent("the host name is not known")
        if webhook.crew not in self._neighbours:
            addresses = [address for address in addresses if _is_public(address)]
        if not addresses:
            return Refused("private_address", "the address is not a public one")
        request = self._http.build_request(
            "POST",
            where.copy_with(host=addresses[0]),
            content=webhook.body,
            headers={
                "Host": where.netloc.decode(),
                "Content-Type": webhook.content_type,
                "Connection": "close",
            },
            extensions={"sni_hostname": where.host},
        )
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._http.send(request, stream=True, follow_redirects=False)
                await answer.aclose()
        except UNSENT as lost:
            return NotSent(why_unsent(lost))
        except (httpx.HTTPError, TimeoutError) as lost:
            return Unknown(why_lost(lost))
        return _outcome(answer.status_code)


def is_private(url: str) -> bool:
    """Whether a URL names this machine or a private address outright."""
    host = httpx.URL(url).host
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004
        return Delivered()
    if status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NotSent(f"HTTP {status}")
    return Refused(str(status), "the caller's address refused it")


async def _addresses(where: httpx.URL) -> list[str]:
    """Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        where.host, where.port or 0, type=socket.SOCK_STREAM
    )
    return [str(address[4][0]) for address in found]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped  # ::ffff:127.0.0.1 is this machine too
    return found.is_global and not found.is_multicast

"""Forwarding webhooks to callers: no redirects, and no way into the network around this bot.

A caller's URL may name any host. Its name is looked up once, and only what `addresses` allows is
called, by address: a name that changes its mind in between (DNS rebinding) changes nothing. TLS
still asks for the certificate of the name.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import httpx

from bot.crewai.lookups import Lookups
from bot.crewai.strangers import NO_HOST, find_addresses, host_of, parse_url
from bot.crewai.transport_errors import UNSENT, why_lost, why_unsent
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.usecases.read_models import ForwardedWebhook

#: For connecting and the answer, after the host's name was looked up.
SECONDS: Final = 15
_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class HttpWebhookForwarder:
    """`usecases.ports.crew.WebhookForwarder`.

    `private_crews` are those at private addresses: their callers may be at such ones too.
    """

    def __init__(
        self, http: httpx.AsyncClient, lookups: Lookups, *, private_crews: frozenset[str]
    ) -> None:
        self._http = http
        self._lookups = lookups
        self._private_crews = private_crews

    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome:
        """See `WebhookForwarder`."""
        where = parse_url(url)
        if where is None:
            return NO_HOST
        private = webhook.crew in self._private_crews
        addresses = await find_addresses(self._lookups, where, owner=webhook.crew, private=private)
        if not isinstance(addresses, list):
            return addresses
        try:
            async with asyncio.timeout(SECONDS):
                return await self._send(webhook, where, addresses)
        except (httpx.HTTPError, TimeoutError) as lost:
            return Unknown(why_lost(lost))

    async def _send(
        self, webhook: ForwardedWebhook, where: httpx.URL, addresses: list[str]
    ) -> Outcome:
        """To the first address that there is a connection to.

        Raises httpx.HTTPError where it may have been sent.
        """
        outcome: Outcome = NotSent("the host has no address")
        for address in addresses:
            request = self._http.build_request(
                "POST",
                where.copy_with(host=address),
                content=webhook.body,
                headers={
                    "Host": where.netloc.decode(),
                    "Connection": "close",
                    **_content_type(webhook),
                },
                extensions={"sni_hostname": host_of(where)},
            )
            try:
                answer = await self._http.send(request, stream=True, follow_redirects=False)
            except UNSENT as lost:
                outcome = NotSent(why_unsent(lost))
            else:
                await answer.aclose()
                return _outcome(answer.status_code)
        return outcome


def _content_type(webhook: ForwardedWebhook) -> dict[str, str]:
    """As far as a header can say it: earlier versions stored any text."""
    text = webhook.content_type
    return {"Content-Type": text} if text and text.isascii() and text.isprintable() else {}


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004
        return Delivered()
    if status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NotSent(f"HTTP {status}")
    return Refused(str(status), "the caller's address refused it")

"""Forwarding webhooks to callers: no redirects, and no way into the network around this bot.

A caller's URL may name any host. Its name is looked up once, and only what `addresses` allows is
called, by address: a name that changes its mind in between (DNS rebinding) changes nothing. TLS
still asks for the certificate of the name.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import httpx

from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.network.client import TIMEOUTS
from crewgate.network.lookups import Lookups
from crewgate.network.strangers import NO_HOST, find_addresses, parse_url, post
from crewgate.network.transport_errors import why_lost
from crewgate.usecases.read_models import ForwardedWebhook

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
        headers = _content_type(webhook)
        try:
            answer = await post(
                self._http, where, addresses, webhook.body, headers, TIMEOUTS.forward
            )
        except (httpx.HTTPError, TimeoutError) as lost:
            return Unknown(why_lost(lost))
        return answer if isinstance(answer, NotSent) else _outcome(answer.status)


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

"""Forwards webhooks to callers: no redirects, and no way into the network around this bot.

A caller's URL may name any host; `network.untrusted_addresses` calls permitted addresses only.
"""

from http import HTTPStatus
from typing import Final

import httpx
from typing_extensions import override

from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused
from crewgate.network.client import TIMEOUTS, Answer
from crewgate.network.lookups import Lookups
from crewgate.network.untrusted_addresses import Post, call
from crewgate.usecases.ports.crew import WebhookForwarder
from crewgate.usecases.read_models import ForwardedWebhook

_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class HttpWebhookForwarder(WebhookForwarder):
    """Posts webhooks to callers' addresses.

    `private_crews` are at private addresses: their callers may be there too.
    """

    def __init__(
        self, http: httpx.AsyncClient, lookups: Lookups, *, private_crews: frozenset[str]
    ) -> None:
        self._http = http
        self._lookups = lookups
        self._private_crews = private_crews

    @override
    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome:
        answer = await call(
            self._http,
            self._lookups,
            url,
            Post(webhook.body, _content_type(webhook), TIMEOUTS.forward),
            owner=webhook.crew,
            private=webhook.crew in self._private_crews,
        )
        return _outcome(answer.status) if isinstance(answer, Answer) else answer


def _content_type(webhook: ForwardedWebhook) -> dict[str, str]:
    """Return the header if it is valid: earlier versions stored any text."""
    text = webhook.content_type
    return {"Content-Type": text} if text and text.isascii() and text.isprintable() else {}


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004
        return Delivered()
    if status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NotSent(f"HTTP {status}")
    return Refused(str(status), "the caller's address refused it")

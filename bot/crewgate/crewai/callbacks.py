"""Calls to addresses that requests name: answers to flows, and forwarded webhooks.

Redirects and forbidden addresses are never followed. Anybody who knows the address of a flow's
request can answer it, so this address is never shown or logged.
"""

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Final

import httpx
from typing_extensions import override

from crewgate.crewai.client import outcome_of, redacted
from crewgate.crewai.payloads import parse_flow_answer
from crewgate.domain import outcome
from crewgate.domain.notification import Callback
from crewgate.domain.redaction import Redactor
from crewgate.network import untrusted_addresses
from crewgate.network.client import TIMEOUTS, Answer
from crewgate.network.untrusted_addresses import NO_HOST, Lookups, Post, find_addresses, host_of
from crewgate.usecases.ports.base import OffLoop
from crewgate.usecases.ports.crew import FlowAnswers, WebhookForwarder
from crewgate.usecases.read_models import ForwardedWebhook

_VENDOR: Final = "crewai.com"
_HTTPS: Final = 443
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
#: CrewAI's statuses for a request that is answered or closed already.
_REFUSALS: Final[Mapping[int, outcome.RefusalKind]] = {
    HTTPStatus.CONFLICT: outcome.RefusalKind.ANSWERED,
    HTTPStatus.UNAUTHORIZED: outcome.RefusalKind.SPENT,
    HTTPStatus.NOT_FOUND: outcome.RefusalKind.REQUEST_GONE,
    HTTPStatus.GONE: outcome.RefusalKind.REQUEST_OVER,
}
#: Statuses by which a caller's server says that it may take a forwarded webhook later.
_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_EMPTY: Final = outcome.Refused("empty", "an empty answer is never sent")
_NOT_ALLOWED: Final = outcome.Refused(
    "host_not_allowed", "the request's address is neither at crewai.com nor in flow_callback_hosts"
)
_PLAIN_HTTP: Final = outcome.Refused(
    "plain_http", "the request's address is plain http, and not on this machine"
)


@dataclass(eq=False, repr=False)
class HttpFlowAnswers(FlowAnswers):
    """Answers flows by HTTP."""

    http: httpx.AsyncClient
    lookups: Lookups
    _: KW_ONLY
    hosts: Mapping[str, tuple[str, ...]]
    """The `flow_callback_hosts` of each crew's settings."""
    redactors: Mapping[str, Redactor]
    clock: Callable[[], datetime]
    off_loop: OffLoop
    is_proxied: Callable[[str], bool]
    """Returns True for a host that `http` reaches through a proxy for https."""

    @override
    async def answer(
        self, crew: str, callback: Callback, feedback: str, *, valid_until: datetime | None = None
    ) -> outcome.Outcome:
        if not feedback.strip():
            return _EMPTY
        where = _parse(callback.url)
        if where is None:
            return NO_HOST
        until = {} if valid_until is None else {"valid_until": valid_until.isoformat()}
        body = json.dumps({"feedback": feedback, "source": "slack", **until}).encode()
        answer = await self._find_and_send(crew, where, body)
        if not isinstance(answer, Answer):
            lost = isinstance(answer, outcome.Unknown)
            return replace(answer, exchange=outcome.Exchange(body)) if lost else answer
        redactor = self.redactors[crew].also((callback.token or "",))
        shown = await redacted(answer, redactor, self.off_loop, (callback.url,))
        result = outcome_of(shown, parse=parse_flow_answer, now=self.clock(), takes_once=True)
        if isinstance(result, outcome.Refused):
            result = replace(result, kind=_REFUSALS.get(answer.status, result.kind))
        return replace(result, exchange=outcome.Exchange(body, answer.body))

    def may_answer(self, crew: str, url: str) -> bool:
        """Return False if the settings forbid a call to this address."""
        where = _parse(url)
        return where is not None and self._refusal(crew, where) is None

    def _refusal(self, crew: str, where: httpx.URL) -> outcome.Refused | None:
        """Return the settings' reason against a host; the IP addresses are checked later."""
        if _is_vendors(where):
            return None
        if not _is_named(where, self.hosts[crew]):
            return _NOT_ALLOWED
        return None if where.scheme == "https" or _is_this_machine(where) else _PLAIN_HTTP

    async def _find_and_send(
        self, crew: str, where: httpx.URL, body: bytes
    ) -> Answer | outcome.NotSent | outcome.Refused | outcome.Unknown:
        if refusal := self._refusal(crew, where):
            return refusal
        if where.scheme == "https" and self.is_proxied(host_of(where)):
            # The proxy looks the name up, so no address can be checked here; the certificate proves
            # that the right host answers.
            addresses: list[str] | outcome.Refused | outcome.NotSent = [host_of(where)]
        else:
            named = _is_named(where, self.hosts[crew])
            addresses = await find_addresses(self.lookups, where, owner=crew, private=named)
        if not isinstance(addresses, list):
            return addresses
        if where.scheme != "https" and not all(map(_is_loopback, addresses)):
            return _PLAIN_HTTP
        sent = Post(body, _HEADERS, TIMEOUTS.flow_answer)
        return await untrusted_addresses.post(self.http, where, addresses, sent)


def _parse(url: str) -> httpx.URL | None:
    where = untrusted_addresses.parse_url(url)
    return None if where is None or where.userinfo else where


def _is_vendors(where: httpx.URL) -> bool:
    host = host_of(where).rstrip(".")
    port = where.port or _HTTPS
    own = host == _VENDOR or host.endswith(f".{_VENDOR}")
    return where.scheme == "https" and port == _HTTPS and own


def _is_named(where: httpx.URL, hosts: tuple[str, ...]) -> bool:
    host = host_of(where).rstrip(".")
    port = where.port or (_HTTPS if where.scheme == "https" else 80)
    return host in hosts or f"{host}:{port}" in hosts


def _is_this_machine(where: httpx.URL) -> bool:
    host = host_of(where).rstrip(".")
    try:
        return _is_loopback(host)
    except ValueError:
        return host == "localhost"


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


@dataclass(eq=False, repr=False)
class HttpWebhookForwarder(WebhookForwarder):
    """Posts webhooks to callers' addresses."""

    http: httpx.AsyncClient
    lookups: Lookups
    _: KW_ONLY
    private_crews: frozenset[str]
    """The crews with private addresses, whose callers may have private addresses too."""

    @override
    async def forward(self, webhook: ForwardedWebhook, url: str) -> outcome.Outcome:
        headers = {"Content-Type": webhook.content_type} if webhook.content_type else {}
        answer = await untrusted_addresses.call(
            self.http,
            self.lookups,
            url,
            Post(webhook.body, headers, TIMEOUTS.forward),
            owner=webhook.crew,
            private=webhook.crew in self.private_crews,
        )
        if not isinstance(answer, Answer):
            return answer
        if answer.is_success:
            return outcome.Delivered()
        if answer.status in _AGAIN or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return outcome.NotSent(f"HTTP {answer.status}")
        return outcome.Refused(str(answer.status), "the caller's address refused it")

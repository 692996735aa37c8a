"""Calling a host that somebody else named: looked up once, and called by address.

A name that changes its mind in between (DNS rebinding) changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

from crewgate.domain.outcome import NotSent, Refused
from crewgate.network.addresses import may_call
from crewgate.network.client import Answer, Timeout, send
from crewgate.network.lookups import Lookups, TooManyLookups
from crewgate.network.transport_errors import UNSENT, why_unsent

#: How many of a host's addresses are tried, where there is no connection to the first.
ADDRESSES: Final = 3
NO_HOST: Final = Refused("bad_url", "the URL names no host that could be called")


def parse_url(url: str) -> httpx.URL | None:
    """None for what httpx or the kernel would choke on."""
    try:
        where = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        return None
    port = where.port if where.port is not None else 80
    callable_ = where.scheme in {"http", "https"} and where.raw_host and 0 < port < 2**16
    return where if callable_ else None


def host_of(where: httpx.URL) -> str:
    """As it goes over the wire, that is in ASCII."""
    return where.raw_host.decode("ascii")


async def find_addresses(
    lookups: Lookups, where: httpx.URL, *, owner: str, private: bool
) -> list[str] | Refused | NotSent:
    """Up to ADDRESSES that may be called, at least one; or why there is none.

    `private` as `addresses.may_call` has it.
    """
    try:
        found = await lookups.addresses(host_of(where), owner=owner)
    except ValueError:
        return NO_HOST
    except (TimeoutError, TooManyLookups) as error:
        return NotSent(str(error))
    except OSError:
        return NotSent("the host name is not known")
    allowed = [address for address in found if may_call(address, private=private)]
    return allowed[:ADDRESSES] or Refused("private_address", "the address is not a public one")


async def post(
    http: httpx.AsyncClient,
    where: httpx.URL,
    addresses: list[str],
    body: bytes,
    headers: Mapping[str, str],
    timeout: Timeout,  # noqa: ASYNC109  # not only of the whole
) -> Answer | NotSent:
    """Post to the first address that there is a connection to; TLS asks for the host's certificate.

    Raises httpx.HTTPError or TimeoutError where it may have been sent.
    """
    outcome = NotSent("the host has no address")
    for address in addresses:
        request = http.build_request(
            "POST",
            where.copy_with(host=address),
            content=body,
            headers={
                "Host": where.netloc.decode(),
                # Unpacking could make gigabytes out of the little that is read.
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers,
            },
            extensions={"sni_hostname": host_of(where)},
        )
        try:
            return await send(http, request, timeout)
        except UNSENT as lost:
            outcome = NotSent(why_unsent(lost))
    return outcome

"""Calls to a host that somebody else named: looked up once, checked, and called by address.

So a name whose address changes in between (DNS rebinding) is harmless, and TLS still checks the
certificate of the name.

`ipaddress` knows IANA's registries of special addresses as of its own release. It counts as global
some addresses that lead to others (translation, tunnels) or belong to a platform; so IPv6 is
narrowed to global unicast, and the lists below complete it. Packages for this come with an HTTP
client of their own, or guard one (httpx-secure); they know a part of these lists, and none bounds
the look-ups of one owner.
"""

import asyncio
import ipaddress
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from crewgate.domain.outcome import NotSent, Refused, Unknown
from crewgate.network import client

#: The longest lookup, in seconds: a second name server may answer after the first has not answered
#: within its 5 s (`man resolv.conf`).
DEADLINE: Final = 10.0
#: The most lookups at a time of hosts that one owner, a crew, has named, hanging ones included.
FOR_EACH: Final = 8

AddressInfo = Any
"""A tuple of five, see `socket.getaddrinfo`."""
GetAddrInfo = Callable[..., list[AddressInfo]]
_Query = tuple[Any, ...]


class TooManyLookups(OSError):
    """This owner has as many lookups under way as it may have at a time."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    answer: asyncio.Future[list[AddressInfo]]
    until: float
    """The time, by the loop's clock, from which the lookup counts as hanging."""


class Lookups:
    """The lookups under way in one event loop, in threads of their own, with a deadline.

    `getaddrinfo` blocks, and nothing can end it before the system's resolver gives up. asyncio runs
    it in a small shared pool, where a few hanging names hold up all others. Here each name has one
    thread, whoever looks it up; once it has hung beyond the deadline, each further lookup of it
    fails at once.
    """

    def __init__(
        self,
        getaddrinfo: GetAddrInfo = socket.getaddrinfo,
        *,
        deadline: float = DEADLINE,
        for_each: int = FOR_EACH,
    ) -> None:
        self._getaddrinfo = getaddrinfo
        self._deadline = deadline
        self._for_each = for_each
        self._pending: dict[_Query, _Lookup] = {}
        self._held: Counter[str] = Counter()

    async def addresses(self, host: str, *, owner: str) -> list[str]:
        """Return the addresses of a host; `owner` named it, and has a limited number of lookups.

        Raises TooManyLookups, TimeoutError or OSError; ValueError for an impossible name.
        """
        query = (host, None, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, 0)
        if query not in self._pending and self._held[owner] >= self._for_each:
            raise TooManyLookups("too many host names are being looked up")
        found = await self.find(query, owner=owner)
        return list(dict.fromkeys(str(address[4][0]) for address in found))

    async def find(self, query: _Query, *, owner: str = "") -> list[AddressInfo]:
        """Return the answer of `getaddrinfo` to these arguments. Raises as `addresses` does."""
        lookup = self._pending.get(query) or self._start(query, owner)
        try:
            async with asyncio.timeout_at(lookup.until):
                return await asyncio.shield(lookup.answer)
        except TimeoutError as error:
            raise TimeoutError("the host name was not found in time") from error

    def _start(self, query: _Query, owner: str) -> _Lookup:
        loop = asyncio.get_running_loop()
        lookup = _Lookup(loop.create_future(), loop.time() + self._deadline)
        # A daemon thread of its own: on exit the process would wait for the threads of a pool.
        thread = threading.Thread(
            target=self._run, args=(loop, lookup, query, owner), name="lookup", daemon=True
        )
        thread.start()
        self._pending[query] = lookup
        self._held[owner] += 1
        return lookup

    def _run(
        self, loop: asyncio.AbstractEventLoop, lookup: _Lookup, query: _Query, owner: str
    ) -> None:
        answer: list[AddressInfo] | OSError | ValueError = OSError("the lookup failed")
        try:
            answer = self._getaddrinfo(*query)
        except (OSError, ValueError) as error:
            answer = error
        finally:
            with suppress(RuntimeError):  # the event loop has ended, and so have all callers
                loop.call_soon_threadsafe(self._end, lookup, query, owner, answer)

    def _end(
        self,
        lookup: _Lookup,
        query: _Query,
        owner: str,
        answer: list[AddressInfo] | OSError | ValueError,
    ) -> None:
        del self._pending[query]
        self._held[owner] -= 1
        if isinstance(answer, list):
            lookup.answer.set_result(answer)
        else:
            lookup.answer.set_exception(answer)
            lookup.answer.exception()  # else asyncio logs an error that nobody awaits


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _networks(*names: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)


#: The part of IPv6 that is assigned to the public Internet, without ::/96, 64:ff9b::/96,
#: 64:ff9b:1::/48, 5f00::/16, fc00::/7, fe80::/10 and fec0::/10:
#: https://www.iana.org/assignments/ipv6-address-space
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NEVER: Final = _networks(
    "192.0.0.0/24",  # protocol assignments, of which `is_global` takes some for public
    "192.31.196.0/24",  # AS112, servers for queries about private addresses
    "192.52.193.0/24",  # AMT relays
    "192.88.99.0/24",  # 6to4 relays
    "192.175.48.0/24",  # AS112
    "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: leads to any IPv4 address
    "2620:4f:8000::/48",  # AS112
    "3ffe::/16",  # the 6bone, a test network that was given back
    "3fff::/20",  # documentation, new since 2024
    # Platforms' own services, which give credentials to callers inside:
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure
    "fd00:ec2::/32",  # Amazon
    "fd20:ce::254/128",  # Google
)
_PRIVATE: Final = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared by the customers of a carrier; also used by overlay networks
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
)
#: The most addresses of a host that are tried for a connection.
ADDRESSES: Final = 3
NO_HOST: Final = Refused("bad_url", "the URL names no host that could be called")


@dataclass(frozen=True, slots=True)
class Post:
    """A request to post, and the limits of its answer."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    timeout: client.Timeout
    answer_limit: int = client.ANSWER_LIMIT


async def call(
    http: httpx.AsyncClient, lookups: Lookups, url: str, sent: Post, *, owner: str, private: bool
) -> client.Answer | NotSent | Refused | Unknown:
    """Post to a URL that `owner` named, if `may_call` permits its addresses."""
    where = parse_url(url)
    if where is None:
        return NO_HOST
    found = await find_addresses(lookups, where, owner=owner, private=private)
    return await post(http, where, found, sent) if isinstance(found, list) else found


def parse_url(url: str) -> httpx.URL | None:
    """Parse a URL; None if httpx or the kernel cannot use it."""
    try:
        where = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        return None
    port = where.port if where.port is not None else 80
    callable_ = where.scheme in {"http", "https"} and where.raw_host and 0 < port < 2**16
    return where if callable_ else None


def host_of(where: httpx.URL) -> str:
    """Return the host in ASCII, as sent over the wire."""
    return where.raw_host.decode("ascii")


async def find_addresses(
    lookups: Lookups, where: httpx.URL, *, owner: str, private: bool
) -> list[str] | Refused | NotSent:
    """Return at most ADDRESSES permitted addresses, or the reason why there is none."""
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
    http: httpx.AsyncClient, where: httpx.URL, addresses: list[str], sent: Post
) -> client.Answer | NotSent | Unknown:
    """Post to the first address that connects; return Unknown if the request may have arrived."""
    outcome = NotSent("the host has no address")
    for address in addresses:
        request = http.build_request(
            "POST",
            where.copy_with(host=address),
            content=sent.body,
            headers={
                "Host": where.netloc.decode(),
                # Ask for a plain answer: a few packed bytes could unpack to gigabytes.
                "Accept-Encoding": "identity",
                "Connection": "close",
                **sent.headers,
            },
            extensions={"sni_hostname": host_of(where)},
        )
        answer = await client.attempt(http, request, sent.timeout, answer_limit=sent.answer_limit)
        if not isinstance(answer, NotSent):
            return answer
        outcome = answer
    return outcome


def may_call(address: str, *, private: bool) -> bool:
    """Return True if a caller's webhook may go to this address.

    `private` permits private networks too, but never link-local addresses: platforms give
    credentials away there.
    """
    try:
        found: _Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return False
        found = found.ipv4_mapped or found  # ::ffff:127.0.0.1 is this machine too
    if _is_in(found, _NEVER):
        return False
    return _is_public(found) or (private and _is_in(found, _PRIVATE))


def is_private_url(url: str) -> bool:
    """Return True if a URL's host is an address that is not public, or a name without a dot."""
    host = host_of(httpx.URL(url))
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return not may_call(host, private=False)


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_in(address: _Address, networks: tuple[_Network, ...]) -> bool:
    return any(address in network for network in networks)

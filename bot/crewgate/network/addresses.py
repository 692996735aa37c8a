"""Which addresses this bot calls for a crew's caller, who may name any.

`ipaddress` knows IANA's registries of special addresses, but those of its own release, and it
counts as global what leads to other addresses (translation, tunnels) or is a platform's own. So
IPv6 is narrowed to global unicast and both lists are completed here. The packages there are for
this wrap a client of their own around a part of the same lists.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import httpx

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _networks(*names: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)


#: All that is assigned to the public Internet, https://www.iana.org/assignments/ipv6-address-space.
#: Outside are ::/96, 64:ff9b::/96, 64:ff9b:1::/48, 5f00::/16, fc00::/7, fe80::/10, fec0::/10.
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NEVER: Final = _networks(
    "192.0.0.0/24",  # protocol assignments, those that are global too
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT relays
    "192.88.99.0/24",  # 6to4 relays
    "192.175.48.0/24",  # AS112
    "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: leads to any IPv4 address
    "2620:4f:8000::/48",  # AS112
    "3ffe::/16",  # the 6bone, given back
    "3fff::/20",  # documentation, new since 2024
    # Platforms' own services, which give credentials to whoever asks from the inside:
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure
    "fd00:ec2::/32",  # Amazon
    "fd20:ce::254/128",  # Google
)
_PRIVATE: Final = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared by the customers of a carrier; overlay networks
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
)


def may_call(address: str, *, private: bool) -> bool:
    """Whether a caller's webhook may go to this address.

    With `private` it may be one of a private network too, but never link-local: there platforms
    give credentials away.
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
    """Whether a URL names this machine or a private address outright."""
    host = httpx.URL(url).raw_host.decode("ascii")
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

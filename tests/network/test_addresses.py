"""The addresses that may be called for a crew's caller."""

import pytest

from crewgate.network.untrusted_addresses import is_private_url, may_call

PUBLIC = (
    "8.8.8.8",
    "93.184.215.14",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "2606:4700::6810:84e5",
    "2a00:1450:4001::200e",
    "::ffff:8.8.8.8",
)
PRIVATE = (
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.8",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.8",
)
#: The first and the last address of each range that nobody may have called.
REFUSED = {
    "this network": ("0.0.0.0", "0.255.255.255"),  # noqa: S104  # nothing is bound
    "link-local, with the clouds' metadata": ("169.254.0.0", "169.254.169.254", "169.254.255.255"),
    "protocol assignments": ("192.0.0.0", "192.0.0.9", "192.0.0.255"),
    "documentation": ("192.0.2.0", "198.51.100.0", "203.0.113.255"),
    "AS112": ("192.31.196.0", "192.175.48.255", "2620:4f:8000::", "2620:4f:8000:ffff::1"),
    "AMT relays": ("192.52.193.0", "192.52.193.255"),
    "6to4 relays": ("192.88.99.0", "192.88.99.255"),
    "benchmarks": ("198.18.0.0", "198.19.255.255"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "reserved": ("240.0.0.0", "255.255.255.255"),
    "metadata at Alibaba and Azure": ("100.100.100.200", "168.63.129.16"),
    "metadata at Amazon and Google": ("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    "unspecified": ("::",),
    "IPv4-compatible": ("::2", "::127.0.0.1", "::8.8.8.8", "::255.255.255.255"),
    "IPv4-mapped": ("::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:100.100.100.200"),
    "IPv4-translated": ("::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"),
    "NAT64": ("64:ff9b::", "64:ff9b::8.8.8.8", "64:ff9b::ffff:ffff"),
    "local NAT64": ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    "discard": ("100::1", "100:0:0:1::1"),
    "Teredo and other protocol assignments": ("2001::", "2001:1ff:ffff::1", "2001:20::1"),
    "IPv6 documentation": ("2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff:ffff::1"),
    "6to4": ("2002::", "2002:7f00:1::1", "2002:808:808::1", "2002:ffff:ffff::1"),
    "6bone": ("3ffe::1", "3ffe:ffff::1"),
    "segment routing": ("5f00::1",),
    "outside of global unicast": ("1fff:ffff::1", "4000::1", "fbff::1"),
    "IPv6 link-local": ("fe80::1", "febf::1", "fe80::a9fe:a9fe"),
    "site-local": ("fec0::1", "feff:ffff::1"),
    "with a zone": ("fe80::1%1", "fe80::1%lo", "2606:4700::1%eth0", "::1%lo", "fd12::1%2"),
    "no addresses": ("", "localhost", "127.1", "0x7f000001", "2130706433", "1.2.3.4/8", "%"),
}


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str, *, private: bool) -> None:
    assert may_call(address, private=private)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_may_be_called_where_the_crew_is_at_one(address: str) -> None:
    assert may_call(address, private=True)
    assert not may_call(address, private=False)


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize(
    "address",
    [pytest.param(a, id=f"{name}: {a}") for name, every in REFUSED.items() for a in every],
)
def test_no_other_address_may_be_called(address: str, *, private: bool) -> None:
    assert not may_call(address, private=private)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://localhost:3000", True),
        ("http://crew:3000", True),
        ("http://10.1.2.3", True),
        ("http://[64:ff9b::10.1.2.3]", True),
        ("http://[fe80::1%25eth0]", True),
        ("http://xn--/", True),
        ("https://8.8.8.8", False),
        ("https://research-crew.crewai.com", False),
    ],
)
def test_a_crew_is_at_a_private_address(url: str, *, private: bool) -> None:
    assert is_private_url(url) is private

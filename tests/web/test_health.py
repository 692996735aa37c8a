"""The readers of the bot's health who learn more than that it is ready."""

import pytest
from aiohttp.test_utils import make_mocked_request

from crewgate.web.health import is_local, may_see_details

TOKEN = "status-token"  # opens nothing
LOCAL = ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1")
ELSEWHERE = ("10.0.0.7", "192.168.1.1", "::ffff:10.0.0.7", "2001:db8::1", "0.0.0.0", "", "socket")  # noqa: S104
PROXIES = ("X-Forwarded-For", "x-real-ip", "Forwarded", "Via")


def may(
    remote: str, token: str | None = TOKEN, public_url: str | None = None, **headers: str
) -> bool:
    named = {"Host": "127.0.0.1:3000"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = make_mocked_request("GET", "/readyz", headers=named).clone(remote=remote)
    return may_see_details(request, token, local=is_local(public_url))


@pytest.mark.parametrize("remote", LOCAL)
def test_who_is_on_this_machine(remote: str) -> None:
    assert may(remote)
    assert may(remote, None)
    assert may(remote, Authorization="Bearer wrong")


@pytest.mark.parametrize("remote", LOCAL)
@pytest.mark.parametrize(
    ("host", "told"),
    [
        *((one, True) for one in ("localhost", "LOCALHOST:3000", "127.0.0.1", "[::1]:3000")),
        *((one, False) for one in ("rebound.example", "127.0.0.1.rebound.example:3000", "[", "")),
    ],
)
def test_a_page_in_a_browser_on_this_machine_is_told_nothing(
    remote: str, host: str, *, told: bool
) -> None:
    """A page of another host, whose name resolves to the loopback address, sends its own name."""
    assert may(remote, Host=host) is told
    assert may(remote, Host=host, Authorization=f"Bearer {TOKEN}")


@pytest.mark.parametrize("remote", LOCAL)
@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_on_this_machine_calls_for_somebody_else(remote: str, name: str) -> None:
    assert not may(remote, **{name: ""})
    assert not may(remote, **{name: "127.0.0.1"})
    assert may(remote, **{name: "10.0.0.7"}, Authorization=f"Bearer {TOKEN}")


@pytest.mark.parametrize("remote", LOCAL)
@pytest.mark.parametrize(
    ("public_url", "told"),
    [
        *((f"http://{host}:3000", True) for host in ("127.0.0.1", "localhost", "[::1]")),
        *((f"https://{host}", False) for host in ("bot.example.com", "10.0.0.7", "[2001:db8::1]")),
    ],
)
def test_behind_a_public_address_there_may_be_a_proxy_that_says_nothing(
    remote: str, public_url: str, *, told: bool
) -> None:
    assert may(remote, public_url=public_url) is told
    assert may(remote, None, public_url) is told
    assert may(remote, public_url=public_url, Authorization=f"Bearer {TOKEN}")


@pytest.mark.parametrize("remote", ELSEWHERE)
def test_a_stranger_needs_the_token(remote: str) -> None:
    assert may(remote, Authorization=f"Bearer {TOKEN}")
    for wrong in ("", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN):
        assert not may(remote, Authorization=wrong)
    assert not may(remote)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer None"])
def test_without_a_token_in_the_settings_no_stranger_is_told(authorization: str) -> None:
    assert not may("10.0.0.7", None, Authorization=authorization)

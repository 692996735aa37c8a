"""The senders of flow requests: the signature, over the raw body, within five minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from crewgate.web.credentials import (
    HEADERS,
    TOLERANCE,
    TakenRequests,
    fresh_signatures,
    sign,
    signature_of,
)

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
SECRET = "whsec_0123456789abcdef"
BODY = b'{"id": "8412"}'


def headers_of(
    body: bytes = BODY, *, secret: str = SECRET, at: datetime = NOW, pair: tuple[str, str]
) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    return {pair[0]: sign(body, secret=secret, timestamp=timestamp), pair[1]: timestamp}


def accept(headers: dict[str, str], body: bytes = BODY) -> bool:
    signed = fresh_signatures(headers, now=[NOW])
    return signature_of(signed, body, secrets=["another", SECRET]) is not None


def test_a_known_signature() -> None:
    """Computed with another program: openssl dgst -sha256 -hmac."""
    assert sign(b'{"a":1}', secret="whsec_abc", timestamp="1700000000") == (
        "sha256=3b843bacfb18cc5554542fdcc84d815b399c52758e508a6fcecf0a2af4efea2b"
    )


@pytest.mark.parametrize("pair", HEADERS)
@pytest.mark.parametrize("offset", [timedelta(0), TOLERANCE, -TOLERANCE])
def test_either_pair_of_headers_signs(pair: tuple[str, str], offset: timedelta) -> None:
    assert accept(headers_of(at=NOW + offset, pair=pair))


@pytest.mark.parametrize("pair", HEADERS)
@pytest.mark.parametrize("offset", [1, -1])
def test_a_signature_of_long_ago_or_of_the_future_counts_no_more(
    pair: tuple[str, str], offset: int
) -> None:
    late = NOW + offset * (TOLERANCE + timedelta(seconds=1))
    assert not accept(headers_of(at=late, pair=pair))


@pytest.mark.parametrize("pair", HEADERS)
def test_another_body_or_secret_is_refused(pair: tuple[str, str]) -> None:
    assert not accept(headers_of(pair=pair), BODY + b" ")
    assert not accept(headers_of(secret=SECRET.removeprefix("whsec_"), pair=pair))
    assert not accept({})
    assert not accept(headers_of(pair=pair) | {pair[1]: "1"})
    assert not accept({pair[0]: headers_of(pair=pair)[pair[0]]})


@pytest.mark.parametrize("timestamp", ["", "soon", "-5", "1e9", "9" * 13, "\u0661\u0667", "\udcff"])
def test_odd_timestamps_are_refused(timestamp: str) -> None:
    signed = "" if not timestamp.isascii() else timestamp
    for signature, name in HEADERS:
        headers = {signature: sign(BODY, secret=SECRET, timestamp=signed), name: timestamp}
        assert not accept(headers)


def test_headers_of_two_pairs_are_not_mixed() -> None:
    one, other = (headers_of(pair=pair) for pair in HEADERS)
    assert not accept({HEADERS[0][0]: one[HEADERS[0][0]], HEADERS[1][1]: other[HEADERS[1][1]]})
    assert accept({HEADERS[0][0]: "sha256=\udcff", **other})


def test_a_request_is_taken_once_as_long_as_its_signature_counts() -> None:
    taken = TakenRequests()
    assert taken.add("a", now=[NOW])
    assert taken.add("b", now=[NOW])
    for after in (timedelta(0), 2 * TOLERANCE):
        assert not taken.add("a", now=[NOW + after])
    taken.forget("b")
    assert taken.add("b", now=[NOW])
    assert taken.add("a", now=[NOW + 2 * TOLERANCE + timedelta(seconds=1)])

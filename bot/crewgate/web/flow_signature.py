"""The proof of where a flow's requests come from: an HMAC, under either pair of headers."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

#: Signature and timestamp, as captured and as the vendor's page shows them.
HEADERS: Final = (
    ("X-CrewAI-Signature", "X-CrewAI-Timestamp"),
    ("X-Signature", "X-Timestamp"),
)
#: How far the sender's clock may be from ours, and how long a captured request can be repeated.
TOLERANCE: Final = timedelta(minutes=5)
#: Seconds since 1970; `int` alone would take more.
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class TakenRequests:
    """The signatures of requests that were taken, as long as they count: each is taken once."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def add(self, signature: str, *, now: datetime) -> bool:
        """Remember a signature; False if it is remembered already."""
        self._until = {known: until for known, until in self._until.items() if until >= now}
        if signature in self._until:
            return False
        # The clock that it was signed by may be TOLERANCE ahead.
        self._until[signature] = now + 2 * TOLERANCE
        return True

    def forget(self, signature: str) -> None:
        """Forget one whose request could not be stored: it may be sent again."""
        self._until.pop(signature, None)


def signature_of(
    headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str], now: datetime
) -> str | None:
    """Return the signature of one of the pairs over this body with a whole secret, or None.

    It is within TOLERANCE of now. Each is compared in constant time.
    """
    found = [
        _signature(headers.get(signature, ""), headers.get(timestamp, ""), body, secret, now)
        for signature, timestamp in HEADERS
        for secret in secrets
    ]
    return next(filter(None, found), None)


def sign(body: bytes, *, secret: str, timestamp: str) -> str:
    """Return the header that signs a body at a time in seconds since 1970."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _signature(
    signature: str, timestamp: str, body: bytes, secret: str, now: datetime
) -> str | None:
    wanted = sign(body, secret=secret, timestamp=timestamp if timestamp.isascii() else "")
    same = hmac.compare_digest(signature.encode(errors="surrogateescape"), wanted.encode())
    return wanted if same and _is_fresh(timestamp, now) else None


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()

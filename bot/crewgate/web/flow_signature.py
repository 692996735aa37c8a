"""The proof of where a flow's requests come from: an HMAC, under either pair of headers."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
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

    def add(self, signature: str, *, now: Sequence[datetime]) -> bool:
        """Remember a signature; False if it is remembered already."""
        self._until = {known: until for known, until in self._until.items() if until >= min(now)}
        if signature in self._until:
            return False
        # The clock that it was signed by may be TOLERANCE ahead.
        self._until[signature] = max(now) + 2 * TOLERANCE
        return True

    def forget(self, signature: str) -> None:
        """Forget one whose request could not be stored: it may be sent again."""
        self._until.pop(signature, None)


def fresh_signatures(
    headers: Mapping[str, str], *, now: Sequence[datetime]
) -> Mapping[str, list[str]]:
    """Return the signatures that the pairs give, by timestamps that fit a clock."""
    fresh: dict[str, list[str]] = {}
    for signature, timestamp in HEADERS:
        at = headers.get(timestamp, "")
        if _is_fresh(at, now):
            fresh.setdefault(at, []).append(headers.get(signature, ""))
    return fresh


def signature_of(
    signed: Mapping[str, Sequence[str]], body: bytes, *, secrets: Iterable[str]
) -> str | None:
    """Return the signature among these that a whole secret gives for this body, or None.

    Each is compared in constant time; a body is hashed once for a timestamp and a secret.
    """
    for timestamp, signatures in signed.items():
        for secret in set(secrets):
            wanted = sign(body, secret=secret, timestamp=timestamp)
            for signature in signatures:
                given = signature.encode(errors="surrogateescape")
                if hmac.compare_digest(given, wanted.encode()):
                    return wanted
    return None


def sign(body: bytes, *, secret: str, timestamp: str) -> str:
    """Return the header that signs a body at a time in seconds since 1970."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _is_fresh(timestamp: str, now: Sequence[datetime]) -> bool:
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    off = min(abs(one.timestamp() - int(timestamp)) for one in now)
    return off <= TOLERANCE.total_seconds()

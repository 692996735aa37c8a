"""How a flow's requests prove where they come from: an HMAC, under either pair of headers."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

#: What arrives, and what the vendor's page shows: the signature's header and the timestamp's.
HEADERS: Final = (
    ("X-CrewAI-Signature", "X-CrewAI-Timestamp"),
    ("X-Signature", "X-Timestamp"),
)
#: How far the sender's clock may be from ours, and how long a captured request can be repeated.
TOLERANCE: Final = timedelta(minutes=5)
#: Seconds since 1970; `int` alone would take more.
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


def is_signed(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> bool:
    """Whether one of the pairs signs this body with the whole secret, within TOLERANCE of now.

    Each is compared in constant time.
    """
    found = [
        _is_signed(headers.get(signature, ""), headers.get(timestamp, ""), body, secret, now)
        for signature, timestamp in HEADERS
    ]
    return any(found)


def sign(body: bytes, *, secret: str, timestamp: str) -> str:
    """The header that signs a body at a time in seconds since 1970."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _is_signed(signature: str, timestamp: str, body: bytes, secret: str, now: datetime) -> bool:
    wanted = sign(body, secret=secret, timestamp=timestamp if timestamp.isascii() else "")
    same = hmac.compare_digest(signature.encode(errors="surrogateescape"), wanted.encode())
    return same and _is_fresh(timestamp, now)


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()

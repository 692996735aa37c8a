"""The signature of a flow's request: HMAC-SHA256 over the time and the body, as it is captured."""

from __future__ import annotations

import hashlib
import hmac


def sign(secret: str, body: bytes, *, at: float) -> dict[str, str]:
    """The headers that prove who sent this body, and when.

    The secret is used whole, a prefix such as `whsec_` included. Receivers refuse what is more
    than five minutes old, so it is made anew at each try.
    """
    timestamp = str(int(at))
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "X-CrewAI-Timestamp": timestamp,
        "X-CrewAI-Signature": f"sha256={signed.hexdigest()}",
    }

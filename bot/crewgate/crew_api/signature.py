"""The signature of a flow's request: HMAC-SHA256 over the time and the body, as CrewAI sends it."""

import hashlib
import hmac


def sign(secret: str, body: bytes, *, at: float) -> dict[str, str]:
    """Return the headers that prove the sender and the time of this body.

    The whole secret counts, with a prefix such as `whsec_`. Receivers refuse a signature older than
    five minutes, so sign anew at each try.
    """
    timestamp = str(int(at))
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return {"X-CrewAI-Signature": f"sha256={signed.hexdigest()}", "X-CrewAI-Timestamp": timestamp}

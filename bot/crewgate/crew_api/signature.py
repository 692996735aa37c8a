"""The signature of a flow's request: HMAC-SHA256 over the time and the body, as captured."""

import hashlib
import hmac
from typing import Final

#: The headers of signature and timestamp, as captured from the vendor.
CAPTURED: Final = ("X-CrewAI-Signature", "X-CrewAI-Timestamp")
#: The headers of signature and timestamp as the vendor's page documents them.
DOCUMENTED: Final = ("X-Signature", "X-Timestamp")


def sign(
    secret: str, body: bytes, *, at: float, names: tuple[str, str] = CAPTURED
) -> dict[str, str]:
    """Return the headers that prove the sender and the time of this body.

    The whole secret counts, with a prefix such as `whsec_`. Receivers refuse a signature older than
    five minutes, so sign anew at each try.
    """
    timestamp = str(int(at))
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    signature, time = names
    return {signature: f"sha256={signed.hexdigest()}", time: timestamp}

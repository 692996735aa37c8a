"""Proof that an address leads to this bot: `crewgate check` asks for it at `/healthz`."""

import hashlib
import hmac
import re
from typing import Final

#: The nonce that is proven: bounded, because anybody may ask.
NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


def prove(secret: str, nonce: str) -> str:
    """Return what only a bot with this secret can answer; it gives nothing of the secret away.

    The secret must not be one that a person made up: whoever asks may try to guess it at home.
    Slack's tokens are random.
    """
    asked = f"crewgate answers {nonce}"
    return hmac.new(secret.encode(), asked.encode(), hashlib.sha256).hexdigest()

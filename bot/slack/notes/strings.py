"""What people are told about their notes."""

from __future__ import annotations

from typing import Final

SEND_NOTES: Final = "Send as revision"
KEEP_COLLECTING: Final = "Keep collecting"
KEPT: Final = "Fine. Your notes wait on the card; Revise opens with them."
OFFER: Final = (
    "Noted. Nothing of it goes to the crew until somebody sends it. *Send as revision* shows "
    "you the text first."
)
OFFER_PLAIN: Final = "Noted. Send it as a revision, or keep collecting?"

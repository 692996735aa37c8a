"""Sentences about people's notes."""

from __future__ import annotations

from typing import Final

SEND_NOTES: Final = "Send as revision"
SEND_AS_ANSWER: Final = "Send as answer"
KEEP_COLLECTING: Final = "Keep collecting"
KEPT: Final = "Fine. Your notes wait on the card; Revise opens with them."
KEPT_FOR_ANSWER: Final = "Fine. Your notes wait on the card; Answer in words opens with them."
OFFER: Final = (
    "Noted. Nothing of it goes to the crew until somebody sends it. *Send as revision* shows "
    "you the text first."
)
OFFER_PLAIN: Final = "Noted. Send it as a revision, or keep collecting?"
OFFER_ANSWER: Final = (
    "Noted. Nothing of it goes to the flow until somebody sends it. *Send as answer* shows you the "
    "text first."
)
OFFER_ANSWER_PLAIN: Final = "Noted. Send it as an answer, or keep collecting?"

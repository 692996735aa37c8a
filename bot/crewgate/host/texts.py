"""Text as it can be kept and sent."""

from __future__ import annotations


def sendable(text: str) -> str:
    """Text as UTF-8 can hold it: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode()

"""What Home says."""

from __future__ import annotations

from typing import Final

from bot.slack import strings as shared

EMPTY: Final = ":tada: *Nothing waits.* When a crew pauses, its output shows up here."


def mine(total: int) -> str:
    """The heading of what waits for the reader."""
    return f"Waiting for you: {shared.total(total)}"


def others(total: int) -> str:
    """The heading of what waits for others."""
    return f"Waiting for others: {shared.total(total)}"


def stuck(total: int) -> str:
    """The heading of what a crew did not take."""
    return f"Stuck: {shared.total(total)}"


def decided(total: int) -> str:
    """The heading of what was decided in the last 24 hours."""
    return f"Decided today: {shared.total(total)}"

"""What Home says."""

from __future__ import annotations

from typing import Final

EMPTY: Final = ":tada: *Nothing waits.* When a crew pauses, its output shows up here."


def mine(total: int) -> str:
    """The heading of what waits for the reader."""
    return f"Waiting for you: {total:,}"


def others(total: int) -> str:
    """The heading of what waits for others."""
    return f"Waiting for others: {total:,}"


def stuck(total: int) -> str:
    """The heading of what a crew did not take."""
    return f"Stuck: {total:,}"


def decided(total: int) -> str:
    """The heading of what was decided in the last 24 hours."""
    return f"Decided today: {total:,}"

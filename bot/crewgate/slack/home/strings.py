"""Sentences of Home."""

from __future__ import annotations

from typing import Final

from crewgate.domain.review import Round
from crewgate.slack import strings as shared

EMPTY: Final = ":tada: *Nothing waits.* When a crew pauses, its output shows up here."
KEEPS: Final = "The oldest come first. What changes stays in its place until *Refresh*."
RIGHTS_CHANGED: Final = "What you may read has changed. Press *Refresh*."


def refresh(new: int) -> str:
    """The button that puts the page in order, and how many rows it would bring."""
    return f"Refresh · {new:,} more" if new else "Refresh"


def mine(total: int) -> str:
    """The heading of what waits for the reader."""
    return f"Waiting for you: {shared.total(total)}"


def others(total: int) -> str:
    """The heading of what waits for others."""
    return f"Waiting for others: {shared.total(total)}"


def stuck(total: int) -> str:
    """The heading of decisions that did not reach their crew."""
    return f"Not delivered: {shared.total(total)}"


def decided(total: int) -> str:
    """The heading of what was decided in the last 24 hours."""
    return f"Decided in the last 24 hours: {shared.total(total)}"


def about(round_: Round, *said: str) -> str:
    """The second line of a row: its crew, its number, how it stands, what people wrote."""
    return shared.joined(shared.crew(round_.review.crew), shared.number(round_), *said)


def waits(whom: str, how_long: str) -> str:
    """The people a round waits for, and for how long."""
    return f"waiting {f'for {whom} ' if whom else ''}for {how_long}"

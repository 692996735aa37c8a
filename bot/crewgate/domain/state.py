"""A review, and where a round of it is in its life; `review` has the arrows between these."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a round is in its life."""

    WAITING = "WAITING"
    """Somebody has to decide."""
    DECIDED = "DECIDED"
    """Somebody decided; the crew does not know yet."""
    RESUMED = "RESUMED"
    """The crew has taken the decision."""
    STUCK = "STUCK"
    """The crew could not be told; a person must act."""
    SUPERSEDED = "SUPERSEDED"
    """A newer output came before anybody decided."""
    CLOSED = "CLOSED"
    """There is nothing left to decide or to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The question put to people: one per crew, execution and task."""

    id: str
    crew: str
    execution_id: str
    task_id: str
    task_name: str | None = None
    agent: str | None = None
    expected_output: str | None = None

    @property
    def title(self) -> str:
        """What people call the task."""
        return self.task_name or self.task_id

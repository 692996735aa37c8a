"""A review, and the states of its rounds; `review` has the transitions between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The state of a round."""

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
        """The name that people know the task by."""
        return self.task_name or self.task_id

"""What is known of an execution: from webhooks, and from the crew's status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.notification import Output
from bot.domain.verdict import Person


class ExecutionState(StrEnum):
    """Where an execution is. Only RUNNING can change by itself."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    GONE = "GONE"
    """The crew answered 404."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution, from its kickoff to its end."""

    crew: str
    execution_id: str
    tracked: bool = False
    """It was started here or has a review, so it is shown in Slack; others are only recorded."""
    began_at: datetime
    """When this bot learnt of it."""
    starter: Person | None = None
    """Who started it in Slack."""
    inputs: tuple[tuple[str, str], ...] = ()
    state: ExecutionState = ExecutionState.RUNNING
    completed_tasks: int = 0
    total_tasks: int | None = None
    """None while the crew has not said."""
    current_task: str | None = None
    """What the crew works on now, by its own account."""
    step: str = ""
    """The latest step an agent took; shown only to those who ask."""
    tokens: int | None = None
    result: Output | None = None
    error: str = ""
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state is not ExecutionState.RUNNING

    def finish_task(self) -> Execution:
        """Count a task that was completed."""
        return replace(self, completed_tasks=self.completed_tasks + 1, current_task=None)

    def update_progress(
        self, *, completed_tasks: int | None, total_tasks: int | None, current_task: str | None
    ) -> Execution:
        """Take over what the crew's status says. Counts it does not give stay as they were."""
        return replace(
            self,
            completed_tasks=max(completed_tasks or 0, self.completed_tasks),
            total_tasks=total_tasks or self.total_tasks,
            current_task=current_task,
        )

    def end(
        self,
        state: ExecutionState,
        at: datetime,
        *,
        result: Output | None = None,
        error: str = "",
        tokens: int | None = None,
    ) -> Execution:
        """End it. The first account of the end counts; a later one may add the tokens."""
        if self.is_over:
            return replace(self, tokens=self.tokens if tokens is None else tokens)
        return replace(
            self,
            state=state,
            ended_at=at,
            current_task=None,
            result=result,
            error=error,
            tokens=tokens,
            completed_tasks=max(self.completed_tasks, self.total_tasks or 0)
            if state is ExecutionState.COMPLETED
            else self.completed_tasks,
        )

    def reopen(self) -> Execution:
        """Take back the end: the crew paused after it."""
        return replace(self, state=ExecutionState.RUNNING, ended_at=None, result=None, error="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdate:
    """A task webhook, parsed: a completed task and its summary."""

    title: str
    summary: str = ""
    agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewUpdate:
    """A crew webhook, parsed: the final result."""

    result: Output
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpdate:
    """A step webhook, parsed: what an agent is doing."""

    doing: str


ExecutionUpdate = TaskUpdate | CrewUpdate | StepUpdate

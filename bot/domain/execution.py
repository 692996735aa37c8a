"""How an execution goes, as far as this bot has heard: from webhooks and from the crew's status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.notification import Output
from bot.domain.verdict import Person

FAILED = "the execution failed"
GONE = "the crew does not know this execution any more"


class ExecutionState(StrEnum):
    """Where an execution is. Only RUNNING can change by itself."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    GONE = "GONE"
    """The crew answered 404."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution's way from kickoff to end."""

    crew: str
    execution_id: str
    known: bool = False
    """It was started here or has a review, so people follow it. What is heard of others is kept."""
    began_at: datetime
    """When this bot first heard of it."""
    starter: Person | None = None
    """Who started it in Slack."""
    inputs: tuple[tuple[str, str], ...] = ()
    state: ExecutionState = ExecutionState.RUNNING
    finished: int = 0
    """Tasks done."""
    total: int | None = None
    current: str | None = None
    """What the crew works on now, by its own account."""
    step: str = ""
    """The latest step an agent took; shown only to those who ask."""
    tokens: int | None = None
    result: Output | None = None
    error: str = ""
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be heard."""
        return self.state is not ExecutionState.RUNNING

    def finish_task(self) -> Execution:
        """A task webhook came."""
        return replace(self, finished=self.finished + 1, current=None)

    def look(self, *, finished: int | None, total: int | None, current: str | None) -> Execution:
        """The crew said how far it is. What it does not say stays as it was."""
        done = self.finished if finished is None else max(finished, self.finished)
        return replace(self, finished=done, total=total or self.total, current=current)

    def end(
        self,
        state: ExecutionState,
        at: datetime,
        *,
        result: Output | None = None,
        error: str = "",
        tokens: int | None = None,
    ) -> Execution:
        """It is over; the first account of the end counts, a later one may add the tokens."""
        if self.is_over:
            return replace(self, tokens=self.tokens if tokens is None else tokens)
        return replace(
            self,
            state=state,
            ended_at=at,
            current=None,
            result=result,
            error=error,
            tokens=tokens,
            finished=max(self.finished, self.total or 0)
            if state is ExecutionState.COMPLETED
            else self.finished,
        )

    def begin_again(self) -> Execution:
        """A new round came after the end, so it was none."""
        return replace(self, state=ExecutionState.RUNNING, ended_at=None, result=None, error="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdate:
    """A task webhook, read: what was finished, in a line."""

    title: str
    summary: str = ""
    agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewUpdate:
    """A crew webhook, read: the final result."""

    result: Output
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpdate:
    """A step webhook, read: what an agent does just now."""

    doing: str


ExecutionUpdate = TaskUpdate | CrewUpdate | StepUpdate

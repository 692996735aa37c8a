"""What is known of an execution: from webhooks, and from the crew's status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.given import UNKNOWN, Came, Given, shown
from crewgate.domain.notification import Output
from crewgate.domain.rules.starter import STARTED_BY, without_starter
from crewgate.domain.verdict import Person

#: A 404 may be a proxy's, or a crew's that is just being deployed, and so may be a status that says
#: that it is over while it waits for a person: that ends an execution only when the crew has said
#: so this often, for this long. Reviews are closed on that word.
GONE_ANSWERS = 3
GONE_AFTER = timedelta(minutes=15)
#: How long the result of one that ended by an event is waited for.
RESULT_WITHIN = timedelta(seconds=30)

#: The longest subject, and the longest value that is a part of one, in characters.
SUBJECT_LIMIT = 60
#: The most values in one subject.
_SUBJECT_PARTS = 3
#: Values that tell nobody what an execution is about.
_SAY_NOTHING = frozenset({"true", "false", "yes", "no", "none", "null"})
#: How much of an execution's id is its subject when nothing better is known.
_ID_SHOWN = 8


class ExecutionState(StrEnum):
    """Where an execution is. RUNNING changes by itself, GONE when the crew knows it again."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    GONE = "GONE"
    """The crew does not know it any more, so it says; it may turn up again."""


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
    inputs: Came = UNKNOWN
    """What it was started with; unknown where it was started without this bot."""
    meta: Came = ()
    """What its caller said about it, at the kickoff or in a notification."""
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
    asked_at: datetime | None = None
    """When the crew was asked, the last time that it said how many tasks are completed."""
    not_found_since: datetime | None = None
    """Since when the crew has been saying that it does not know it, or that it is over."""
    not_found_count: int = 0
    """How often it has said so."""
    is_flow: bool = False
    """Its events said so: crews that end inside of it do not end it."""
    ended_by_event: bool = False
    """An event of the stream ended it, and neither a webhook nor its status has said so since."""
    stuck_in_doubt: bool = False
    """A decision of it was stuck and may have been taken: evidence of having gone on settles it."""

    @property
    def given(self) -> Given:
        """What people are shown that it was started on: inputs, else what its caller said."""
        return shown(self.inputs) or shown(self.meta)

    @property
    def subject(self) -> str:
        """What people tell it apart by, in one line: inputs, else `meta`, else its id's start."""
        said = _subject_of(shown(self.inputs)) or _subject_of(shown(self.meta))
        return said or id_beginning(self.execution_id)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state is not ExecutionState.RUNNING

    @property
    def awaits_result(self) -> bool:
        """Whether it ended by an event that told no result: a webhook or its status may."""
        ended = self.ended_by_event and self.state is ExecutionState.COMPLETED
        return ended and self.result is None

    def learn(
        self,
        *,
        starter: Person | None = None,
        inputs: Came | None = None,
        meta: Came = (),
        carried: Came = (),
        carried_inputs: Came | None = None,
    ) -> Execution:
        """Add what is said about it at its kickoff, or `carried` by a notification.

        What is known already stays, save that what its caller said at the kickoff, which may be
        stored after the first notification, counts before what that one carried.
        """
        if inputs is None and self.inputs == UNKNOWN:
            inputs = carried_inputs
        known = self.meta if STARTED_BY in dict(self.meta) else meta or self.meta
        return replace(
            self,
            starter=starter or self.starter,
            inputs=self.inputs if inputs is None else inputs,
            meta=known or without_starter(carried),
        )

    def finish_task(self) -> Execution:
        """Count a task that was completed."""
        return replace(self, completed_tasks=self.completed_tasks + 1, current_task=None)

    def update_progress(
        self,
        *,
        completed_tasks: int | None,
        total_tasks: int | None,
        current_task: str | None,
        asked_at: datetime,
    ) -> Execution:
        """Take over what the crew's status says. Counts it does not give stay as they were."""
        return replace(
            self,
            completed_tasks=max(completed_tasks or 0, self.completed_tasks),
            total_tasks=total_tasks or self.total_tasks,
            current_task=current_task,
            # An answer without a count cannot be compared with one that has it.
            asked_at=self.asked_at if completed_tasks is None else asked_at,
            not_found_since=None,
            not_found_count=0,
        )

    def has_moved(self, *, completed_tasks: int | None, current_task: str | None) -> bool:
        """Whether the crew is further than it said the last time.

        Of a flow the current task is no sign: its events may have named it, too.
        """
        if self.asked_at is None:
            return False
        other_task = None not in (self.current_task, current_task) and not self.is_flow
        return (completed_tasks or 0) > self.completed_tasks or (
            other_task and current_task != self.current_task
        )

    def not_found(self, at: datetime) -> Execution:
        """The crew says that it does not know it: the end, once it has said so for a while."""
        return self.doubt(self.end(ExecutionState.GONE, at), at)

    def doubt(self, ended: Execution, at: datetime) -> Execution:
        """The execution as it `ended`, once the crew has said for a while that it did."""
        since = self.not_found_since or at
        count = self.not_found_count + 1
        believed = count >= GONE_ANSWERS and at - since >= GONE_AFTER
        return replace(ended if believed else self, not_found_since=since, not_found_count=count)

    def end(
        self,
        state: ExecutionState,
        at: datetime,
        *,
        result: Output | None = None,
        error: str = "",
        tokens: int | None = None,
        by_event: bool = False,
    ) -> Execution:
        """End it. The first account of the end counts; a later one may add what it did not tell."""
        if self.is_over:
            return replace(
                self,
                result=result if self.awaits_result else self.result,
                tokens=self.tokens if tokens is None else tokens,
                ended_by_event=self.ended_by_event and by_event,
            )
        return replace(
            self,
            state=state,
            ended_at=at,
            current_task=None,
            result=result,
            error=error,
            tokens=tokens,
            ended_by_event=by_event,
            completed_tasks=max(self.completed_tasks, self.total_tasks or 0)
            if state is ExecutionState.COMPLETED
            else self.completed_tasks,
        )

    def reopen(self) -> Execution:
        """Take back the end: the crew paused after it, or knows it after all."""
        return replace(
            self,
            state=ExecutionState.RUNNING,
            ended_at=None,
            result=None,
            error="",
            ended_by_event=False,
            not_found_since=None,
            not_found_count=0,
        )


def id_beginning(execution_id: str) -> str:
    """What stands for an execution of which nothing but its id is known."""
    return execution_id[:_ID_SHOWN]


def _subject_of(given: Given) -> str:
    """The first values that are short texts, as many as one short line takes."""
    parts: list[str] = []
    for _, value in given:
        if not _says_something(value):
            continue
        parts.append(" ".join(value.split()))
        if len(", ".join(parts)) > SUBJECT_LIMIT or len(parts) > _SUBJECT_PARTS:
            return ", ".join(parts[:-1])
    return ", ".join(parts)


def _says_something(value: str) -> bool:
    """Whether a value is a text that is short enough to tell executions apart by."""
    said = value.strip().lower()
    return 0 < len(said) <= SUBJECT_LIMIT and said not in _SAY_NOTHING and said[0] not in "{["


def about(execution: Execution, kind: EffectKind, subject: str = "") -> Effect:
    """An effect about an execution; its subject is the execution itself if none is given."""
    return Effect(kind, subject or execution.execution_id, execution.crew, execution.execution_id)


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

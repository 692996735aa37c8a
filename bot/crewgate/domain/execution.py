"""An execution, as its webhooks and the crew's status tell it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.lessons import LessonsGiven
from crewgate.domain.notification import UNKNOWN, CallerValues, Given, Output, shown
from crewgate.domain.people import Email, User
from crewgate.domain.verdict import Person

STARTED_BY: Final = "started_by"
"""The key in `meta` for the starter: a user id or an e-mail address."""
_USER_ID: Final = re.compile(r"[UW][A-Z0-9]{2,}")


def said_starter(starter: Person | None, meta: CallerValues) -> User | Email | None:
    if starter is not None:
        return User(starter.id)
    return starter_named(dict(shown(meta)).get(STARTED_BY, ""))


def all_starters(
    starter: Person | None, meta: CallerValues, also: Iterable[str]
) -> tuple[User | Email, ...]:
    found = (said_starter(starter, meta), *map(starter_named, also))
    return tuple(one for one in found if one is not None)


def starter_named(name: str) -> User | Email | None:
    """Parse a user id or an e-mail address; None if it is neither."""
    name = name.strip()
    if "@" in name:
        return Email(name)
    return User(name) if _USER_ID.fullmatch(name) else None


#: A 404 may come from a proxy, or from a crew that is just being deployed, and a status may wrongly
#: call a paused execution over. Either would close the execution's reviews, so GONE_ANSWERS answers
#: in a row must agree, and the last must come GONE_AFTER the first or later.
GONE_ANSWERS = 3
GONE_AFTER = timedelta(minutes=15)

#: The longest topic, and the longest value in a topic, in characters.
TOPIC_LIMIT = 60
_TOPIC_PARTS = 3
_SAY_NOTHING = frozenset({"true", "false", "yes", "no", "none", "null"})
_ID_SHOWN = 8


class ExecutionState(StrEnum):
    """The state of an execution."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    GONE = "GONE"
    """The crew does not know the execution; it may turn up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution, from its kickoff to its end."""

    crew: str
    execution_id: str
    tracked: bool = False
    """Slack shows the execution, because it was started here or has a review."""
    began_at: datetime
    """The time when this bot first heard of the execution."""
    starter: Person | None = None
    also_started: tuple[str, ...] = ()
    """User ids or addresses of other people whose kickoffs the crew answered with this id."""
    inputs: CallerValues = UNKNOWN
    meta: CallerValues = ()
    named: Given = ()
    """Values of a kickoff through this bot; rules take a reviewer from them."""
    lessons: LessonsGiven | None = None
    """The lessons of its kickoff; None unless this bot filled the kickoff's input for them."""
    state: ExecutionState = ExecutionState.RUNNING
    completed_tasks: int = 0
    total_tasks: int | None = None
    current_task: str | None = None
    step: str = ""
    """An agent's latest step; shown only on request."""
    tokens: int | None = None
    result: Output | None = None
    error: str = ""
    ended_at: datetime | None = None
    activity_count: int = 0
    """The number of the execution's webhooks, counted by the database."""
    asked_at: datetime | None = None
    """The time of the last status question that the crew answered."""
    asked_activity: int = 0
    """The activity count at that question; a higher count makes its answer outdated."""
    not_found_since: datetime | None = None
    """The time of the first of several answers in a row that the execution is unknown or over."""
    not_found_count: int = 0
    is_flow: bool = False
    removed_at: datetime | None = None
    """The time when the execution's texts were removed; None again once anything new came."""
    stuck_in_doubt: bool = False
    """A stuck decision may have taken effect; evidence can show it."""

    @property
    def given(self) -> Given:
        return shown(self.inputs) or shown(self.meta)

    @property
    def topic(self) -> str:
        topic = _topic_of(shown(self.inputs)) or _topic_of(shown(self.meta))
        return topic or id_beginning(self.execution_id)

    @property
    def is_over(self) -> bool:
        return self.state is not ExecutionState.RUNNING

    @property
    def starters(self) -> tuple[User | Email, ...]:
        return all_starters(self.starter, self.meta, self.also_started)

    def with_origin(
        self,
        *,
        starter: Person | None = None,
        inputs: CallerValues | None = None,
        meta: CallerValues = (),
        carried: CallerValues = (),
        carried_inputs: CallerValues | None = None,
    ) -> Self:
        """Return the execution with its starter and its caller's values.

        Known values stay, but a kickoff's values replace those `carried` by a notification that was
        stored before them. A kickoff that was answered with a known id only adds a starter.
        """
        is_kickoff = (starter, inputs, meta) != (None, None, ())
        if is_kickoff and (first := said_starter(self.starter, self.meta)) is not None:
            added = said_starter(starter, meta)
            others = () if added in (None, first) else (str(added),)
            starters = tuple(dict.fromkeys((*self.also_started, *others)))
            return replace(self, also_started=starters)
        if inputs is None and self.inputs == UNKNOWN:
            inputs = carried_inputs
        known = self.meta if STARTED_BY in dict(self.meta) else meta or self.meta
        starter, inputs = starter or self.starter, self.inputs if inputs is None else inputs
        meta = known or tuple(pair for pair in carried if pair[0] != STARTED_BY)
        if (starter, inputs, meta) == (self.starter, self.inputs, self.meta):
            return self
        return replace(self, starter=starter, inputs=inputs, meta=meta)

    def finish_task(self) -> Self:
        return replace(self, completed_tasks=self.completed_tasks + 1, current_task=None)

    def update_progress(
        self,
        *,
        completed_tasks: int | None,
        total_tasks: int | None,
        current_task: str | None,
        asked_at: datetime,
        asked_activity: int,
    ) -> Self:
        return replace(
            self,
            completed_tasks=max(completed_tasks or 0, self.completed_tasks),
            total_tasks=total_tasks or self.total_tasks,
            current_task=current_task,
            asked_at=asked_at,
            asked_activity=asked_activity,
            not_found_since=None,
            not_found_count=0,
        )

    def has_left(self, current_task: str | None) -> str | None:
        """Return the task of the crew's last answer, if the crew is at another task now.

        The number of finished tasks is no evidence: a parallel task may have been finished.
        """
        comparable = self.asked_at is not None and self.asked_activity == self.activity_count
        moved = comparable and current_task not in (None, self.current_task)
        return self.current_task if moved else None

    def not_found(self, at: datetime) -> Self:
        return self.doubt(self.end(ExecutionState.GONE, at), at)

    def doubt(self, ended: Self, at: datetime) -> Self:
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
    ) -> Self:
        """End the execution. The first report counts; a later report may add the tokens' number."""
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

    def reopen(self) -> Self:
        return replace(
            self,
            state=ExecutionState.RUNNING,
            ended_at=None,
            result=None,
            error="",
            removed_at=None,
            not_found_since=None,
            not_found_count=0,
        )


def id_beginning(execution_id: str) -> str:
    return execution_id[:_ID_SHOWN]


def _topic_of(given: Given) -> str:
    parts: list[str] = []
    for _, value in given:
        if not _says_something(value):
            continue
        parts.append(" ".join(value.split()))
        if len(", ".join(parts)) > TOPIC_LIMIT or len(parts) > _TOPIC_PARTS:
            return ", ".join(parts[:-1])
    return ", ".join(parts)


def _says_something(value: str) -> bool:
    word = value.strip().lower()
    return 0 < len(word) <= TOPIC_LIMIT and word not in _SAY_NOTHING and word[0] not in "{["


def effect_on(execution: Execution, kind: EffectKind, target: str = "") -> Effect:
    return Effect(
        kind=kind,
        target=target or execution.execution_id,
        crew=execution.crew,
        execution_id=execution.execution_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdate:
    """A parsed task webhook: a completed task and its summary."""

    title: str
    summary: str = ""
    agent: str | None = None
    task: str | None = None
    """The task's id or, without one, its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewUpdate:
    """A parsed crew webhook: the final result."""

    result: Output
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpdate:
    """A parsed step webhook: an agent's action."""

    doing: str


ExecutionUpdate = TaskUpdate | CrewUpdate | StepUpdate

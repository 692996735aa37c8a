"""The records of executions, as they are read from the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crewgate.crew_api.wire import Json, Kickoff


class State(StrEnum):
    """The state of an execution."""

    QUEUED = "queued"
    """It waits for a place among those that work."""
    RUNNING = "running"
    PAUSED = "paused"
    """It waits for a person."""
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def ended(self) -> bool:
        """True if nothing more comes."""
        return self in {State.COMPLETED, State.ERROR}


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of a crew, as it was when the execution began."""

    id: str
    name: str
    key: str
    """The key that CrewAI derives from its description and expected output."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One kickoff."""

    id: str
    target: str
    kickoff: Kickoff
    state: State
    tasks: tuple[TaskRow, ...]
    """Empty before it first ran, and for a flow."""
    result: str
    error: str
    created_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A task that is done, with what is needed to go on without running it again."""

    position: int
    output: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision about one round."""

    approve: bool
    feedback: str
    edited: str | None = None
    """What people made of the output; the decision is about this text."""


@dataclass(frozen=True, slots=True)
class Round:
    """One output of a task that was shown to people."""

    task_id: str
    number: int
    output: str
    decision: Decision | None
    asker: str | None = None
    """The task whose agent's hook asks, empty outside of one; None for the output of a task."""
    spent: bool = False
    """The hook was given the answer, or can no longer be."""

    @property
    def waits(self) -> bool:
        return self.decision is None and not self.spent

    @property
    def decided(self) -> str:
        """The text that the decision is about."""
        edited = self.decision.edited if self.decision is not None else None
        return self.output if edited is None else edited


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a flow asks people."""

    method: str
    message: str
    flow_class: str
    output: object = None
    emit: tuple[str, ...] = ()
    metadata: Json = field(default_factory=dict)
    pending: Json = field(default_factory=dict)
    """Its state and what it waits for, as CrewAI keeps them; only the state for `Flow.ask()`."""
    place: str | None = None
    """Which of its method's calls of `Flow.ask()` it is; None for `@human_feedback`."""
    expires_at: float | None = None
    """When the flow goes on without an answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """A flow's question to people."""

    id: str
    method: str
    emit: tuple[str, ...]
    token_hash: str
    pending: Json
    """The flow's state and what it waits for, to be put back after a crash."""
    place: str | None
    """As in Asked."""
    expires_at: float | None
    feedback: str | None
    """The answer; None while nobody has answered."""
    answered_at: float | None
    """When it was answered or, without an answer, given up."""
    source: str
    """Through what it was answered."""
    """The flow has gone on with the answer, to its end or its next question."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that is to be sent."""

    kind: str
    """`human_input`, `flow`, `task`, `step`, `crew` or `stream`."""
    url: str
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    about: str = ""
    """The pause it announces, by the id of its task or question. Sent until that is answered."""


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """A webhook in the database."""

    id: int
    execution_id: str
    webhook: Webhook
    tries: int

    @property
    def announces(self) -> bool:
        return bool(self.webhook.about)

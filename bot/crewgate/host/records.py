"""The host's records and errors, and rows of the database as records."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from crewgate.crew_api.wire import Address, Json, Kickoff, Urls


class State(StrEnum):
    """The state of an execution."""

    QUEUED = "queued"
    """It waits for a place among those that work."""
    RUNNING = "running"
    PAUSED = "paused"
    """It waits for a person."""
    COMPLETED = "completed"
    ERROR = "error"


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
    """The task in the middle of which is asked, empty outside of one; None for a task's output."""
    place: str = ""
    """The agent in its task that asks, as a digest."""
    body: Json = field(default_factory=dict)
    """The notification's own fields, where it is asked in the middle of a task."""
    spent: bool = False
    """The answer was given to whoever asked, or can no longer be."""

    @property
    def waits(self) -> bool:
        return self.decision is None and not self.spent

    @property
    def decided(self) -> str:
        """The text that the decision is about."""
        edited = self.decision.edited if self.decision is not None else None
        return self.output if edited is None else edited


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A call or a question that waits for people in the middle of a task."""

    id: str
    """The same for the same one in the same task; the id of its round has a number besides."""
    asker: str
    place: str
    """Both as in Round."""
    body: Json
    holds: Callable[[Decision], bool] = lambda _: False
    """True for a decision that counts for each later one that is the same."""
    most_waiting: int | None = None
    """The most that wait at once, of those that have a limit."""
    most: int | None = None
    """The most of its `kind` in one execution."""
    check: Callable[[Json], None] | None = None
    """Raises ValueError for arguments that the tool does not take."""

    @property
    def kind(self) -> str:
        """The beginning of its id."""
        return self.id.rpartition("-")[0]


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


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that is to be sent."""

    kind: str
    """`human_input`, `outcome`, `flow`, `task`, `step` or `crew`."""
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


class HostNotStarted(Exception):
    """The host cannot serve what was asked for."""


class TargetChanged(Exception):
    """The crew's tasks have changed since this execution began."""


class TooMany(Exception):
    """People are asked too much already."""


class HostStops(BaseException):
    """Ends a thread that waits for a person; what it waits for is on disk.

    Not an `Exception`: crewai would take it for a failure of the agent, and try again.
    """


class NotKept(BaseException):
    """Ends a thread whose work cannot be written to disk now; it is done again later.

    No `Exception` either: it is no failure of the crew, which would end the execution.
    """


T = TypeVar("T")
_KICKOFF: Final = TypeAdapter(Kickoff)
_TASKS: Final = TypeAdapter(tuple[TaskRow, ...])


def kickoff_to_text(kickoff: Kickoff) -> str:
    """Return a kickoff as it is stored, without the URLs that are forgotten."""
    stored = asdict(kickoff)
    del stored["urls"]
    return json.dumps(stored)


def with_human_input(text: str, address: Address) -> str:
    """Return a stored kickoff with another address for human input."""
    return json.dumps(json.loads(text) | {"human_input": asdict(address)})


def execution_from_row(row: sqlite3.Row) -> Execution:
    urls = Urls(row["task_url"], row["step_url"], row["crew_url"])
    return _of_row(
        Execution,
        row,
        kickoff=replace(_KICKOFF.validate_json(row["kickoff"]), urls=urls),
        state=State(row["state"]),
        tasks=_TASKS.validate_json(row["tasks"]),
    )


def finished_from_row(row: sqlite3.Row) -> Finished:
    return _of_row(Finished, row, output=json.loads(row["output"]))


def round_from_row(row: sqlite3.Row) -> Round:
    decision = None
    if row["approve"] is not None:
        decision = Decision(bool(row["approve"]), row["feedback"], row["edited"])
    body = json.loads(row["notification"])
    return _of_row(Round, row, decision=decision, body=body, spent=bool(row["spent"]))


def question_from_row(row: sqlite3.Row) -> Question:
    read = {name: json.loads(row[name]) for name in ("emit", "pending")}
    return _of_row(Question, row, emit=tuple(read["emit"]), pending=read["pending"])


def webhook_from_row(row: sqlite3.Row) -> DueWebhook:
    read = {name: json.loads(row[name]) for name in ("body", "headers")}
    return _of_row(DueWebhook, row, webhook=_of_row(Webhook, row, **read))


def _of_row(kind: type[T], row: sqlite3.Row, **more: object) -> T:
    """Make a record of a row's columns, save those that are given."""
    names = {one.name for one in fields(kind)} - more.keys()  # type: ignore[arg-type]
    return kind(**{name: row[name] for name in names}, **more)

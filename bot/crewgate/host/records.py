"""The host's records and errors, and rows of the database as records."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from crewgate.crew_api.wire import Address, Json, Kickoff, Urls

LESSON: Final = "lesson-"
"""The beginning of the id of an execution that asks people about a lesson of a flow."""
KEEP: Final = "Keep"
DROP: Final = "Drop"
"""The two results of such an execution."""


class State(StrEnum):
    """The state of an execution."""

    QUEUED = "queued"
    """The execution waits for a free place to work."""
    RUNNING = "running"
    PAUSED = "paused"
    """The execution waits for a person."""
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
    """Empty before the first run, and for a flow."""
    result: str
    error: str
    created_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished task, with the data to go on without another run."""

    position: int
    output: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision about one round."""

    approve: bool
    feedback: str
    edited: str | None = None
    """The text that replaces the output; the decision is about this text."""


@dataclass(frozen=True, slots=True)
class Round:
    """One output of a task that was shown to people."""

    task_id: str
    number: int
    output: str
    decision: Decision | None
    asker: str | None = None
    """The task in which a call or a question waits; empty outside of tasks; None for an output."""
    place: str = ""
    """A digest of the agent in its task that asks."""
    body: Json = field(default_factory=dict)
    """The further fields of a notification of a call or a question."""
    spent: bool = False
    """The answer was delivered, or can no longer be."""

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
    """Equal for an equal call or question in a task; the round's id adds a number."""
    asker: str
    place: str
    """`asker` and `place` as in Round."""
    body: Json
    holds: Callable[[Decision], bool] = lambda _: False
    """True for a decision that also holds for later equal calls or questions."""
    most_waiting: int | None = None
    """The limit of calls that wait at once; None without a limit."""
    most: int | None = None
    """The limit of its `kind` in one execution."""
    check: Callable[[Json], None] | None = None
    """Raises ValueError for arguments that do not fit the tool."""

    @property
    def kind(self) -> str:
        """The beginning of the id."""
        return self.id.rpartition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of a flow."""

    method: str
    message: str
    flow_class: str
    output: object = None
    emit: tuple[str, ...] = ()
    metadata: Json = field(default_factory=dict)
    pending: Json = field(default_factory=dict)
    """The flow's state and position, as CrewAI keeps both; only the state for `Flow.ask()`."""
    place: str | None = None
    """The number of the call of `Flow.ask()` in its method; None for `@human_feedback`."""
    expires_at: float | None = None
    """The time at which the flow goes on without an answer."""
    rewritten: Json | None = None
    """The `original` that the method returned, if CrewAI rewrote it, and the `lessons`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A flow's question to people."""

    id: str
    method: str
    emit: tuple[str, ...]
    token_hash: str
    pending: Json
    """The flow's state and position, restored after a crash."""
    place: str | None
    """As in Asked."""
    expires_at: float | None
    feedback: str | None
    """The answer; None while nobody has answered."""
    answered_at: float | None
    """The time of the answer, or of the time-out."""
    source: str
    """The channel of the answer."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that is to be sent."""

    kind: str
    """`human_input`, `outcome`, `flow`, `task`, `step` or `crew`."""
    url: str
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    about: str = ""
    """The announced pause, as the id of its task or question; sent until there is an answer."""


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
    """The host cannot serve these targets."""


class TargetChanged(Exception):
    """The crew's tasks have changed since this execution began."""


class TooMany(Exception):
    """People have too many questions already."""


class HostStops(BaseException):
    """Ends a thread that waits for a person; its pause is on disk.

    It is no `Exception`: crewai would treat that as a failure of the agent, and try again.
    """


class NotKept(BaseException):
    """Ends a thread whose work cannot be written to disk now; the work is repeated later.

    It is no `Exception`: that would end the execution as failed.
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
    """Make a record of a row's columns; `more` replaces some."""
    names = {one.name for one in fields(kind)} - more.keys()  # type: ignore[arg-type]
    return kind(**{name: row[name] for name in names}, **more)

"""The host's records and errors, and rows of the database as records."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from crewgate.crew_api.wire import Address, Json, Kickoff, Urls

LESSON: Final = "lesson-"
"""The beginning of the id of an execution that asks people about a lesson of a flow."""
KEEP: Final = "Keep"
DROP: Final = "Drop"
"""The two results of an execution that asks about a lesson."""
RETIRE: Final = "Retire"
"""The answer that ends a kept lesson."""


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
    """The key that CrewAI derives from the task's description and expected output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One kickoff."""

    id: str
    target: str
    kickoff: Kickoff
    state: State
    tasks: tuple[TaskRow, ...]
    """The tasks; none before the first run, and none for a flow."""
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


def digest(*parts: object) -> str:
    """Return an id that is equal for equal parts."""
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:32]


def exact(arguments: object) -> str:
    """Return JSON that is equal for equal arguments alone: 1, 1.0, "1" and true differ.

    Raises ValueError for what JSON or UTF-8 cannot hold.
    """
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=False, allow_nan=False)
    text.encode()
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a tool: people see it, rules judge it, the tool gets it."""

    tool: str
    """The name by which the model called the tool, in CrewAI's form."""
    names: tuple[str, ...]
    """All names of the tool, `tool` among them: its own, uncut, and the MCP server's."""
    arguments: Json
    """The arguments as the tool, or the MCP server, will get them."""
    filled_in: tuple[str, ...] = ()
    """The arguments that the model did not give."""

    @property
    def exact(self) -> str:
        return exact(self.arguments)

    @property
    def digest(self) -> str:
        return digest(self.tool, self.names, self.exact)

    def equals(self, other: "Call") -> bool:
        """Return True for the same tool and arguments.

        What the schema filled in on both sides does not count: it may be a time, or a random id.
        """
        both = {*self.filled_in} & {*other.filled_in}
        ours, theirs = (_without(one.arguments, both) for one in (self, other))
        return self.names == other.names and exact(ours) == exact(theirs)

    @property
    def body(self) -> Json:
        """The call in a notification."""
        others = [one for one in self.names if one != self.tool]
        return {
            "tool": self.tool,
            "arguments": self.arguments,
            **({"filled_in": [*self.filled_in]} if self.filled_in else {}),
            **({"other_names": others} if others else {}),
        }

    @classmethod
    def from_body(cls, body: Json) -> "Call":
        """Return the call that a stored notification has."""
        return cls(
            tool=body["tool"],
            names=tuple(sorted({body["tool"], *body.get("other_names", ())})),
            arguments=body["arguments"],
            filled_in=tuple(body.get("filled_in", ())),
        )


def _without(value: object, paths: Collection[str], at: str = "") -> object:
    """Return a value of JSON without the parts at these paths, such as `to.0.country`."""
    match value:
        case dict():
            return {
                name: _without(part, paths, f"{at}{name}.")
                for name, part in value.items()
                if f"{at}{name}" not in paths
            }
        case list():
            return [_without(part, paths, f"{at}{number}.") for number, part in enumerate(value)]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a call that people approved."""

    state: str
    """`ran`, `failed`, or `closed` where the call did not run."""
    words: str
    in_doubt: bool = False
    """True if nobody knows whether a failed call had its effect."""
    unsure: bool = False
    """True if the tool returns failures as results, so that nobody knows if the call failed."""

    @property
    def body(self) -> Json:
        """The outcome in a notification."""
        unsure = {"unsure": True} if self.unsure else {}
        return {"state": self.state, "words": self.words, **unsure}


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision about one round."""

    approve: bool
    feedback: str
    edited: str | None = None
    """The text that replaces the output; the decision is about this text."""
    valid_until: float | None = None
    """The end of an approval of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One output, call or question that was put to people."""

    task_id: str
    number: int
    output: str
    decision: Decision | None
    asker: str | None = None
    """The task in which a call or a question waits; empty outside of tasks; None for an output."""
    role: str = ""
    """The role of an agent that asks without a task of its own, such as a coworker."""
    body: Json = field(default_factory=dict)
    """The further fields of a notification of a call or a question."""
    spent: bool = False
    """The answer was delivered, or can no longer be delivered."""
    outcome: Json | None = None
    """The result of a call, once it is known: `state`, `words` and `at`."""

    @property
    def edited(self) -> str | None:
        """People's text in place of the output; of a call, their arguments as JSON."""
        return None if self.decision is None else self.decision.edited

    @property
    def asked_call(self) -> Call | None:
        """The call that people were asked about."""
        return Call.from_body(self.body["tool_call"]) if "tool_call" in self.body else None

    @property
    def call(self) -> Call | None:
        """The call that people decided on, with the arguments that they gave it."""
        call = self.asked_call
        if call is None or self.edited is None:
            return call
        return replace(call, arguments=json.loads(self.edited))

    @property
    def may_have_run(self) -> bool:
        """True for an approved call that was begun, and is not known to have ended before that."""
        is_begun = self.spent and self.decision is not None and self.decision.approve
        return is_begun and (self.outcome is None or self.outcome["state"] != "closed")

    def has_expired(self, at: float) -> bool:
        """Return True if an approval ended before this time."""
        until = self.decision.valid_until if self.decision and self.decision.approve else None
        return until is not None and until <= at

    def repeats_unseen(self, other: "Round") -> bool:
        """Return True if this call repeats one that may have run, and people were not told.

        A card tells it of the call that the agent made, and not of one that people changed.
        """
        is_told = self.edited is None and self.body["tool_call"].get("may_have_run")
        if is_told or not other.may_have_run or self.call is None or other.call is None:
            return False
        return self.call.equals(other.call)

    @property
    def waits(self) -> bool:
        return self.decision is None and not self.spent

    @property
    def decided(self) -> str:
        """The text that the decision is about."""
        return self.output if self.edited is None else self.edited


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A call or a question that waits for people in the middle of a task."""

    id: str
    """The id is equal for equal calls or questions in a task; the round's id adds a number."""
    asker: str
    role: str
    """`asker` and `role` become those of the round."""
    body: Json
    told: Collection[str] = ()
    """The ids of earlier calls whose ends the asking run of the agent knows."""
    holds: Callable[[Decision], bool] = lambda _: False
    """True for a decision that also holds for later equal calls or questions."""
    most_waiting: int | None = None
    """The limit of calls that wait at once; None without a limit."""
    most: int | None = None
    """The limit of pauses of this `kind` in one execution; None without a limit."""
    check: Callable[[Json], Json] | None = None
    """Returns changed arguments as the tool gets them. Raises ValueError if it refuses them."""
    fits: Callable[[Call], bool] = lambda _: True
    """True if the tool can still be given exactly a call that was stored before a restart."""

    @property
    def kind(self) -> str:
        """The beginning of the id, equal for all pauses of a kind."""
        return self.id.rpartition("-")[0]

    @property
    def call(self) -> Call | None:
        return Call.from_body(self.body["tool_call"]) if "tool_call" in self.body else None

    def is_by_asker_of(self, one: Round) -> bool:
        """Return True if the agent that asks opened this round, perhaps before a restart."""
        # Until version 13 of the file, a coworker's round had no asker.
        return one.role == self.role and one.asker in {self.asker, ""}

    def is_for(self, one: Round) -> bool:
        """Return True if this agent opened the round for an equal call or question."""
        if not self.is_by_asker_of(one):
            return False
        if self.call is not None:
            return one.asked_call is not None and self.call.equals(one.asked_call)
        kind, asks = one.task_id.rsplit("-", 2)[0], (self.body.get("ask"), one.body.get("ask"))
        choices = [ask and ask.get("choices") for ask in asks]
        return (kind, one.output) == (self.kind, self.body["task_output"]) and (
            choices[0] == choices[1]
        )

    def repeats(self, one: Round) -> bool:
        """Return True if the round's call is equal, whoever made it, as made or as people left it.

        A call whose end the asking run was told of is not repeated: the agent means a new call.
        """
        if self.call is None or one.task_id in self.told:
            return False
        return any(self.call.equals(call) for call in (one.asked_call, one.call) if call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A flow's question that is about to be put to people."""

    method: str
    message: str
    flow_class: str
    output: object = None
    emit: tuple[str, ...] = ()
    metadata: Json = field(default_factory=dict)
    pending: Json = field(default_factory=dict)
    """The flow's state and position, as CrewAI keeps both; only the state for `Flow.ask()`."""
    place: str | None = None
    """The method and the number of this `Flow.ask()` in it; None for `@human_feedback`."""
    expires_at: float | None = None
    """The time at which the flow goes on without an answer."""
    rewritten: Json | None = None
    """If CrewAI rewrote the output: the `original` that the method returned, and the `lessons`."""
    drawn_from: Json | None = None
    """The `flow_id` and the request's `id` of the answer that a lesson was drawn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A flow's question as it is stored, with its answer."""

    id: str
    execution_id: str
    target: str
    method: str
    emit: tuple[str, ...]
    token_hash: str
    pending: Json
    """The flow's state and position, restored after a crash."""
    place: str | None
    """The method and the number of this `Flow.ask()` in it; None for `@human_feedback`."""
    expires_at: float | None
    feedback: str | None
    """The answer; None while nobody has answered."""
    answered_at: float | None
    """The time of the answer, or of the time-out."""
    source: str
    """The way by which the answer came, such as `slack`."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that is to be sent."""

    kind: str
    """`human_input`, `outcome`, `flow`, `task`, `step` or `crew`."""
    url: str
    body: Json
    _: KW_ONLY
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    about: str = ""
    """The id of the task or question whose pause is announced; empty for other webhooks."""


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
    """Too many calls wait for people already, or too many questions were asked."""


class ApprovalEnded(Exception):
    """An approval does not let its call run; people are asked anew."""


class HostStops(BaseException):
    """Ends a thread that waits for a person; its pause is on disk, or its execution has ended.

    It is no `Exception`: crewai would treat an `Exception` as the agent's failure, and try again.
    """


class NotKept(BaseException):
    """Ends a thread whose work cannot be written to disk now; the work is repeated later.

    It is no `Exception`: an `Exception` would end the execution as failed.
    """


T = TypeVar("T")
_KICKOFF: Final = TypeAdapter(Kickoff)
_TASKS: Final = TypeAdapter(tuple[TaskRow, ...])


def kickoff_to_text(kickoff: Kickoff) -> str:
    """Return a kickoff as its column has it; the webhook URLs have columns of their own."""
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
        decision = Decision(
            bool(row["approve"]), row["feedback"], row["edited"], row["valid_until"]
        )
    read = {name: json.loads(row[name] or "null") for name in ("notification", "outcome")}
    return _of_row(
        Round,
        row,
        decision=decision,
        body=read["notification"],
        outcome=read["outcome"],
        spent=bool(row["spent"]),
    )


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

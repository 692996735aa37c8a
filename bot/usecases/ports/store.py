"""The outside, as the use cases see it. Adapters in `store`, `slack` and `crewai` fit in here."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from bot.domain.effects import Effect
from bot.domain.execution import Execution, TaskUpdate
from bot.domain.notes import Claim, Note
from bot.domain.notification import Output, WebhookUrls
from bot.domain.review import Review, Round, State
from bot.domain.verdict import Person
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.slack import Posting
from bot.usecases.read_models import (
    DeadLetter,
    ForwardedWebhook,
    MessageRef,
    Pending,
    QueuePart,
    RoundLine,
    TrackedExecution,
)


class TxNotes(Protocol):
    """The notes and claims of a transaction."""

    async def waiting_in(self, channel: str, thread_ts: str) -> Round | None:
        """The newest round that waits in this thread; None if it is not ours or nothing waits."""
        ...

    async def keep(self, note: Note) -> bool:
        """Store a note. False if it was told before; then nothing changes."""
        ...

    async def change(self, channel: str, ts: str, *, text: str, edited_ts: str) -> str | None:
        """What a note reads now; the id of its round, or None if it is no news or no note."""
        ...

    async def delete(self, channel: str, ts: str) -> str | None:
        """Forget a note for good; the id of its round, or None."""
        ...

    async def name(self, person: Person) -> None:
        """Give a name to notes that only carry their author's id."""
        ...

    async def claim(self, round_: Round, claim: Claim) -> None:
        """Remember who is on a round, in place of whoever was."""
        ...


class Tx(Protocol):
    """One transaction. It is committed when the block ends, rolled back when it raises."""

    @property
    def executions(self) -> Executions:
        """What may be changed about runs."""
        ...

    @property
    def notes(self) -> TxNotes:
        """Notes and claims."""
        ...

    async def open_review(self, candidate: Review, *, at: datetime) -> tuple[Review, Round | None]:
        """The review of this crew, execution and task, made if need be, and its latest round.

        Nobody else can receive for the same execution, nor move that round, until the transaction
        ends. Counts as a sign that the execution has gone on, see `record_activity`.
        """
        ...

    async def undo_activity(self, review: Review) -> None:
        """It was no sign: the notification was a duplicate."""
        ...

    async def round(self, round_id: str) -> Round:
        """Raises RoundNotFound. Nobody else can move the round until the transaction ends."""
        ...

    async def open_round(self, round_: Round, output: Output, carried: WebhookUrls) -> None:
        """Store a new round with its output and the URLs its notification carried."""
        ...

    async def save(self, round_: Round) -> None:
        """Store a moved round. Raises ChangedMeanwhile when somebody saved it since it was read."""
        ...

    async def enqueue(self, effects: Iterable[Effect], *, at: datetime, wake: bool = True) -> None:
        """Store effects in the outbox, due at that time.

        Whoever carries them out is woken after the commit; `wake=False` is for what is due later.
        """
        ...

    async def record_activity(self, crew: str, execution_id: str, *, at: datetime) -> None:
        """Count a sign that the execution has gone on; remembers the execution if need be.

        Until the transaction ends nobody else can do so for the same execution.
        """
        ...

    async def activity_count(self, crew: str, execution_id: str) -> int:
        """How many such signs the execution has given."""
        ...

    async def unfinished(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        """The rounds of an execution that can still be closed: WAITING or STUCK."""
        ...

    async def store_dead_letter(self, dead_letter: DeadLetter) -> None:
        """Store a webhook that could not be understood."""
        ...

    async def place_card(self, round_: Round, ref: MessageRef) -> None:
        """Remember where a round's card is; the first of an execution starts its thread."""
        ...

    async def forget_thread(self, review: Review) -> None:
        """Somebody deleted the thread's first message: the next message starts a new one."""
        ...

    async def complete(self, job: Job) -> None:
        """Take the job out of the outbox."""
        ...

    async def retry(self, job: Job, *, at: datetime, in_doubt: bool) -> None:
        """Give the job back, to be tried at the given time."""
        ...


class NoteQueries(Protocol):
    """Reading for reviewers: notes, history, the queue."""

    async def of_round(self, round_id: str, *, limit: int) -> tuple[Note, ...]:
        """A round's notes, the oldest first."""
        ...

    async def note(self, channel: str, ts: str) -> Note | None:
        """One note, unless it was deleted."""
        ...

    async def history(self, review_id: str, *, limit: int) -> tuple[RoundLine, ...]:
        """The rounds of a review with excerpts, the newest first."""
        ...

    async def rounds_of(self, crew: str, execution_id: str, *, limit: int) -> tuple[RoundLine, ...]:
        """The latest rounds of one execution with excerpts, the oldest first."""
        ...

    async def part(
        self, state: State, crews: Iterable[str] | None, *, offset: int, limit: int
    ) -> QueuePart:
        """Rounds in this state, of these crews or of all, the oldest first."""
        ...

    async def decided_since(
        self, since: datetime, crews: Iterable[str], *, offset: int, limit: int
    ) -> QueuePart:
        """Rounds of these crews that were decided since then, the oldest first."""
        ...


class Queries(Protocol):
    """Reading, with no transaction to speak of."""

    @property
    def executions(self) -> ExecutionQueries:
        """Reading runs."""
        ...

    @property
    def notes(self) -> NoteQueries:
        """Notes, history, the queue."""
        ...

    async def round(self, round_id: str) -> Round:
        """Raises RoundNotFound."""
        ...

    async def posting(self, round_id: str) -> Posting:
        """Raises RoundNotFound."""
        ...

    async def webhooks(self, round_: Round) -> tuple[WebhookUrls, WebhookUrls]:
        """What was registered for the round's execution, and what its notification carried."""
        ...

    async def dead_letter(self, letter_id: str) -> DeadLetter | None:
        """The letter, or None."""
        ...

    async def pending(self, *, crews: Iterable[str] | None, limit: int) -> Pending:
        """Waiting rounds, of all crews or of these, the oldest first."""
        ...

    async def unsettled(self, *, limit: int) -> tuple[RoundLine, ...]:
        """Rounds that are waiting, on their way or stuck, the oldest first."""
        ...

    async def executions_like(self, prefix: str, *, limit: int) -> tuple[tuple[str, str], ...]:
        """(crew, execution id) of executions whose id begins with the prefix."""
        ...

    async def rounds_of(self, crew: str, execution_id: str, *, limit: int) -> tuple[RoundLine, ...]:
        """The latest rounds of one execution, the oldest first."""
        ...

    async def ping(self) -> None:
        """Raises StoreUnavailable when the database does not answer."""
        ...


class UnitOfWork(Protocol):
    """Where transactions come from."""

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """Raises StoreUnavailable, at the start or at the commit; then nothing was stored."""
        ...

    @property
    def read(self) -> Queries:
        """Reading."""
        ...


class Executions(Protocol):
    """What a transaction may change about runs."""

    async def open(self, crew: str, execution_id: str, *, at: datetime) -> Execution:
        """The run, made if need be. Nobody else can change it until the transaction ends."""
        ...

    async def save(self, execution: Execution) -> None:
        """Store a changed run."""
        ...

    async def register(self, crew: str, execution_id: str, urls: WebhookUrls) -> None:
        """Remember webhook URLs for an execution; those not given stay as they were."""
        ...

    async def add_task_update(
        self, update_id: str, execution: Execution, news: TaskUpdate, *, at: datetime
    ) -> None:
        """Store a finished task's line."""
        ...

    async def task_updates_of(self, execution: Execution) -> tuple[str, ...]:
        """The ids of all such lines of a run, the oldest first."""
        ...

    async def place_line(self, execution: Execution, ref: MessageRef | None) -> None:
        """Remember where a run's progress is shown; it starts the thread if there is none."""
        ...

    async def join_thread(self, execution: Execution, ref: MessageRef) -> None:
        """A message about the run was posted; it starts the thread if there is none."""
        ...

    async def forget_thread(self, execution: Execution) -> None:
        """Somebody deleted the thread's first message."""
        ...

    async def send(self, webhook: ForwardedWebhook) -> None:
        """Store a webhook that is to be handed on."""
        ...

    async def drop(self, parcel_id: str) -> None:
        """It was handed on or given up."""
        ...


class ExecutionQueries(Protocol):
    """Reading runs."""

    async def view(self, crew: str, execution_id: str) -> TrackedExecution | None:
        """The run, or None."""
        ...

    async def news(self, update_id: str) -> TaskUpdate | None:
        """A finished task's line, or None."""
        ...

    async def running(self, *, limit: int) -> tuple[TrackedExecution, ...]:
        """Runs that people follow and that are not over, the oldest first."""
        ...

    async def targets(self, crew: str, execution_id: str) -> WebhookUrls:
        """The URLs a caller gave for an execution: registered, else carried."""
        ...

    async def webhook(self, parcel_id: str) -> ForwardedWebhook | None:
        """A webhook on its way, or None."""
        ...

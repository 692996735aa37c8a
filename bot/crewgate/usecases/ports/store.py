"""The database, as the use cases see it: transactions; `queries` has the reading."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from crewgate.domain.caveats import Circumstances
from crewgate.domain.effects import Effect
from crewgate.domain.execution import Execution, TaskUpdate
from crewgate.domain.notes import Claim, Note
from crewgate.domain.notification import Output, WebhookUrls
from crewgate.domain.people import Email, EmailOwner, Installation, User
from crewgate.domain.question import Callback
from crewgate.domain.reason import Dismissed
from crewgate.domain.review import Review, Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.queries import Queries
from crewgate.usecases.read_models import (
    DeadLetter,
    ForwardedWebhook,
    MessageRef,
)


class TxNotes(Protocol):
    """The notes and claims of a transaction."""

    async def waiting_in(self, channel: str, thread_ts: str) -> Round | None:
        """The newest round that waits in this thread; None if it is not ours or nothing waits."""
        ...

    async def keep(self, note: Note) -> bool:
        """Store a note. False if it is stored already; then nothing changes."""
        ...

    async def change(self, channel: str, ts: str, *, text: str, edited_ts: str) -> str | None:
        """What a note reads now; the id of its round, or None if unknown or unchanged."""
        ...

    async def delete(self, channel: str, ts: str) -> str | None:
        """Delete a note's text for good; the id of its round, or None."""
        ...

    async def name(self, person: Person) -> None:
        """Give a name to notes that only carry their author's id."""
        ...

    async def claim(self, round_: Round, claim: Claim) -> None:
        """Remember who is on a round, in place of whoever was."""
        ...

    async def circumstances(self, round_id: str, by: Person) -> Circumstances:
        """What is true of a round, which must exist and be locked, when this person approves."""
        ...

    async def record_read_to_end(self, round_id: str, by: Person) -> None:
        """Remember that this person has turned to the last page of its output."""
        ...


class TxAbsences(Protocol):
    """The absences of a transaction."""

    async def of_delegate(self, user: str, *, at: datetime) -> tuple[Absence, ...]:
        """Those who are away at this moment and for whom this person decides."""
        ...

    async def put(self, absence: Absence, *, at: datetime) -> None:
        """Remember who is away, in place of what was known of them; forget what ended by then."""
        ...

    async def remove(self, user: str, *, at: datetime) -> bool:
        """Forget that a person is away; False if they are not at this moment, or later."""
        ...


class TxExecutions(Protocol):
    """The executions of a transaction."""

    async def open(self, crew: str, execution_id: str, *, at: datetime) -> Execution:
        """The execution, made if need be. Nobody else can change it until the transaction ends."""
        ...

    async def find(self, crew: str, execution_id: str) -> Execution | None:
        """The execution as it is, not locked; None if there is none."""
        ...

    async def record_activity(self, crew: str, execution_id: str, *, at: datetime) -> Execution:
        """Open the execution and count a webhook: it has gone on, so `asked_at` is outdated."""
        ...

    async def undo_activity(self, execution: Execution) -> None:
        """Undo `record_activity`: the notification was a duplicate."""
        ...

    async def save(self, execution: Execution) -> None:
        """Store a changed execution."""
        ...

    async def record_kickoff(
        self, kickoff: str, crew: str, starter: User | Email, *, at: datetime
    ) -> None:
        """Remember that somebody has a crew started; the crew's answer is not known."""
        ...

    async def forget_kickoff(self, kickoff: str) -> None:
        """Forget it: it is known what the crew answered."""
        ...

    async def unclear_starters(
        self, crew: str, *, since: datetime, until: datetime
    ) -> tuple[User | Email, ...]:
        """Who had a crew started in this time, and the crew's answer is not known."""
        ...

    async def register(self, crew: str, execution_id: str, urls: WebhookUrls) -> None:
        """Remember the URLs a caller gave; those it did not give stay as they were."""
        ...

    async def secrets_of(self, execution: Execution) -> tuple[str, ...]:
        """What must not be shown of the webhooks of an execution that was opened here.

        Of those registered for it and those that its earlier pauses carried.
        """
        ...

    async def record_kickoff_form(self, form: str, crew: str, *, at: datetime) -> bool:
        """Remember a form that was sent to start a crew. False if it was sent before."""
        ...

    async def add_task_update(
        self, update_id: str, execution: Execution, update: TaskUpdate, *, at: datetime
    ) -> None:
        """Store a completed task, for its line in the progress message."""
        ...

    async def add_task_update_once(
        self, event_id: str, execution: Execution, update: TaskUpdate, *, at: datetime
    ) -> bool:
        """The same by an event of the execution's; False if it came before."""
        ...

    async def place_progress_message(self, crew: str, execution_id: str, ref: MessageRef) -> None:
        """Remember where the progress message is; it starts the thread if there is none."""
        ...

    async def join_thread(self, crew: str, execution_id: str, ref: MessageRef) -> None:
        """A message about the execution was posted; it starts the thread if there is none."""
        ...

    async def forget_thread(self, crew: str, execution_id: str) -> None:
        """The thread's first message was deleted: the next message starts a new thread."""
        ...

    async def add_forwarded_webhook(self, webhook: ForwardedWebhook) -> None:
        """Store a webhook that is to be forwarded."""
        ...

    async def remove_forwarded_webhook(self, webhook_id: str) -> None:
        """Remove a webhook that was forwarded or given up."""
        ...


class Tx(Protocol):
    """One transaction. It is committed when the block ends, rolled back when it raises."""

    executions: TxExecutions
    """Executions, their webhooks and their thread."""

    absences: TxAbsences
    """Who is away."""

    notes: TxNotes
    """Notes and claims."""

    async def open_review(self, candidate: Review) -> tuple[Review, Round | None]:
        """The review of this crew, execution and task, made if need be, and its latest round.

        The execution must be opened first. Nobody else can change that round until the transaction
        ends.
        """
        ...

    async def round(self, round_id: str) -> Round:
        """Raises RoundNotFound. Nobody else can change the round until the transaction ends."""
        ...

    async def open_round(self, round_: Round, output: Output, carried: WebhookUrls) -> None:
        """Store a new round with its output and the URLs its notification carried."""
        ...

    async def round_of_request(self, crew: str, execution_id: str, request_id: str) -> Round | None:
        """The round that a flow's request opened; None if it did not come yet.

        The execution must be opened first. Nobody else can change it until the transaction ends.
        """
        ...

    async def keep_callback(self, round_: Round, callback: Callback) -> None:
        """Remember where the flow's request that opened this round is answered."""
        ...

    async def save(self, round_: Round) -> None:
        """Store a changed round. Raises ChangedMeanwhile when it was saved since it was read.

        Raises RuleLost when it is stored under a rule and comes without one.
        Where it is answered is forgotten with it, once nothing is left to answer.
        """
        ...

    async def enqueue(
        self, effects: Iterable[Effect], *, at: datetime, due_at: datetime | None = None
    ) -> None:
        """Store effects in the outbox with the transaction; `at` is now.

        They are due at once, and their workers are woken after the commit, or due at `due_at`.
        """
        ...

    async def cancel(self, round_id: str) -> None:
        """Take out of the outbox what was to happen as long as the round waits."""
        ...

    async def unfinished(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        """The rounds of an execution that are WAITING, DECIDED or STUCK."""
        ...

    async def open_email_owner(self, candidate: EmailOwner) -> EmailOwner:
        """Whom an address stands for: the candidate if it is new. Locked until the end."""
        ...

    async def save_email_owner(self, owner: EmailOwner) -> None:
        """Change whom an address stands for."""
        ...

    async def save_installation(self, token_digest: str, installation: Installation) -> None:
        """Remember where the bot with this token is installed."""
        ...

    async def closed_as_gone(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        """The rounds of an execution that were closed only because the crew did not know it.

        Of each review the latest one at most. The execution must be opened first.
        """
        ...

    async def expedite(self, effect: Effect, *, at: datetime) -> None:
        """Have an effect carried out by that time: one that waits already, else a new one.

        Its tries are counted anew, and so is how long it has been tried.
        """
        ...

    async def store_dead_letter(self, dead_letter: DeadLetter) -> None:
        """Store a webhook that could not be understood."""
        ...

    async def dead_letter(self, dead_letter_id: str) -> DeadLetter | None:
        """As `Queries.dead_letter`, as it is in this transaction."""
        ...

    async def place_report(self, dead_letter_id: str, ref: MessageRef) -> None:
        """Remember where it was reported."""
        ...

    async def dismiss_dead_letter(
        self, dead_letter_id: str, dismissed: Dismissed, *, at: datetime
    ) -> bool:
        """Keep who dismissed it and why. False if somebody did before, or there is none."""
        ...

    async def place_card(self, round_: Round, ref: MessageRef, *, shown: int) -> None:
        """Remember where a round's card is, and how many percent of the output it shows.

        It starts the execution's thread if there is none, unless it is elsewhere.
        """
        ...

    async def forget_thread(
        self, round_: Round, channel: str | None, thread_ts: str | None
    ) -> None:
        """The first message of a round's thread was deleted: the next one starts a new thread."""
        ...

    async def record_shown(self, round_: Round, shown: int) -> None:
        """Remember how many percent of the output a round's card shows now."""
        ...

    async def place_direct_message(self, round_: Round, user: str, ref: MessageRef) -> None:
        """Remember where somebody was told of a round in private."""
        ...

    async def complete(self, job: Job) -> None:
        """Take the job out of the outbox."""
        ...

    async def forget_card(self, round_: Round) -> None:
        """The round's card was deleted: it has none until it is posted again."""
        ...

    async def retry(
        self, job: Job, *, at: datetime, in_doubt: bool, failed_at: datetime | None = None
    ) -> None:
        """Give the job back, to be tried at the given time.

        `failed_at` is given when it failed by itself; the first one is remembered.
        """
        ...

    async def set_aside(self, job: Job, why: str, *, at: datetime) -> None:
        """Try the job no more, hold up nothing with it, and keep it to be looked at."""
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

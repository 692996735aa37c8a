"""The outside, as the use cases see it. Adapters in `store`, `slack` and `crewai` fit in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.crew import Crew
from bot.domain.effects import Effect
from bot.domain.notes import Claim, Note
from bot.domain.notification import Output, WebhookUrls
from bot.domain.outcome import NotSent, Outcome, Refused, Unknown
from bot.domain.review import Review, Round, State
from bot.domain.verdict import Decision, Person
from bot.usecases.ports.executions import RunQueries, Runs
from bot.usecases.read_models import (
    CardView,
    Letter,
    MessageRef,
    Pending,
    Progress,
    QueuePart,
    RoundLine,
    Silence,
)

Clock = Callable[[], datetime]
"""The present moment, aware, in UTC."""

NewId = Callable[[], str]
"""A new unguessable id, safe in URLs and Slack values."""

Crews = Mapping[str, Crew]


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed row of the outbox: one effect, ours until the lease ends."""

    id: int
    effect: Effect
    tries: int
    """Including this one."""
    unsure: bool
    """An earlier try may have taken effect."""
    created_at: datetime
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Posting:
    """What a Slack message about a round needs: its view and where it goes."""

    view: CardView
    card: MessageRef | None
    channel: str | None
    """Where the execution's thread is; None before its first message."""
    thread_ts: str | None


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
    def runs(self) -> Runs:
        """What may be changed about runs."""
        ...

    @property
    def notes(self) -> TxNotes:
        """Notes and claims."""
        ...

    async def open_review(self, candidate: Review, *, at: datetime) -> tuple[Review, Round | None]:
        """The review of this crew, execution and task, made if need be, and its latest round.

        Nobody else can receive for the same execution, nor move that round, until the transaction
        ends. Counts as a sign that the execution has gone on, see `note_heard`.
        """
        ...

    async def unhear(self, review: Review) -> None:
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

    async def note_heard(self, crew: str, execution_id: str, *, at: datetime) -> None:
        """Count a sign that the execution has gone on; remembers the execution if need be.

        Until the transaction ends nobody else can do so for the same execution.
        """
        ...

    async def heard(self, crew: str, execution_id: str) -> int:
        """How many such signs the execution has given."""
        ...

    async def unfinished(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        """The rounds of an execution that can still be closed: WAITING or STUCK."""
        ...

    async def keep_letter(self, letter: Letter) -> None:
        """Store a webhook that could not be understood."""
        ...

    async def place_card(self, round_: Round, ref: MessageRef) -> None:
        """Remember where a round's card is; the first of an execution starts its thread."""
        ...

    async def forget_thread(self, review: Review) -> None:
        """Somebody deleted the thread's first message: the next message starts a new one."""
        ...

    async def done(self, job: Job) -> None:
        """Take the job out of the outbox."""
        ...

    async def again(self, job: Job, *, at: datetime, unsure: bool) -> None:
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
    def runs(self) -> RunQueries:
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

    async def letter(self, letter_id: str) -> Letter | None:
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


class Outbox(Protocol):
    """The table of effects not yet done, as the worker sees it."""

    async def claim(
        self, destination: str, *, now: datetime, lease: timedelta, limit: int
    ) -> tuple[Job, ...]:
        """Due jobs for one destination, at most one of a lane, leased."""
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


@dataclass(frozen=True, slots=True)
class Posted:
    """The message is in Slack. `excerpted`: it shows only the beginning of the output."""

    ref: MessageRef
    excerpted: bool = False


class Messenger(Protocol):
    """Slack, for messages that must arrive.

    `look_since` says that an earlier try, since then, may have worked: the message is looked for
    first and not posted twice.
    """

    async def post_card(
        self, posting: Posting, *, channel: str, look_since: datetime | None, plain: bool = False
    ) -> Posted | NotSent | Refused | Unknown:
        """Post a round's card. `plain` leaves out what the agent wrote."""
        ...

    async def update_card(self, posting: Posting, *, plain: bool = False) -> Outcome:
        """Bring a posted card up to date. Refused as `message_not_found` when it was deleted."""
        ...

    async def attach_output(self, posting: Posting, *, look_since: datetime | None) -> Outcome:
        """Put the whole output as a file into the thread."""
        ...

    async def tell_stuck(self, posting: Posting, *, look_since: datetime | None) -> Outcome:
        """Tell the reviewer, in the thread, that the decision did not reach the crew."""
        ...

    async def name_of(self, user: str) -> str | None:
        """What a person is called; None when Slack cannot be asked."""
        ...

    async def react(self, note: Note) -> Outcome:
        """Acknowledge a note with a reaction."""
        ...

    async def offer(self, note: Note, posting: Posting) -> Outcome:
        """Offer its author, in private, to send the notes as a revision."""
        ...

    async def report(self, letter: Letter, *, channel: str, look_since: datetime | None) -> Outcome:
        """Report, in a crew's channel, a webhook that could not be understood."""
        ...


class CrewClient(Protocol):
    """One crew's REST API."""

    async def resume(
        self, execution_id: str, task_id: str, decision: Decision, webhooks: WebhookUrls
    ) -> Outcome:
        """Tell the crew a decision."""
        ...

    async def status(self, execution_id: str) -> Progress | Silence:
        """Ask the crew how far an execution is; it has 2 s to answer."""
        ...


CrewClients = Mapping[str, CrewClient]


@dataclass(frozen=True, slots=True)
class Members:
    """The people some reviewers' names stand for.

    `unresolved` are e-mails and user groups that Slack could not be asked about yet.
    """

    users: frozenset[str]
    unresolved: tuple[str, ...] = ()


class Directory(Protocol):
    """Who is who in Slack, answered at once from memory."""

    def members(self, reviewers: tuple[str, ...]) -> Members:
        """The user ids that reviewers given as ids, e-mails and user groups stand for."""
        ...

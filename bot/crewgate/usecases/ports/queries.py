"""The database, as the use cases read it, outside of any transaction that writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from crewgate.domain.caveats import Circumstances
from crewgate.domain.execution import Execution
from crewgate.domain.notes import Note
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.people import EmailOwner, Installation
from crewgate.domain.question import Callback
from crewgate.domain.review import Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person
from crewgate.usecases.ports.slack import Posting
from crewgate.usecases.read_models import (
    DeadLetter,
    DirectMessage,
    ExecutionPosting,
    ForwardedWebhook,
    RoundLine,
    Selection,
    StoredRule,
)


class ExecutionQueries(Protocol):
    """Reading executions, their webhooks and their thread."""

    async def find(self, crew: str, execution_id: str) -> Execution | None:
        """The execution, or None."""
        ...

    async def starting_with(
        self, prefix: str, *, crews: Collection[str], limit: int
    ) -> tuple[tuple[str, str], ...]:
        """(crew, execution id) of these crews' executions whose id begins with the prefix."""
        ...

    async def crews_with(self, execution_id: str) -> tuple[str, ...]:
        """The crews that have an execution of this id."""
        ...

    async def takes_old_event_keys(self, crew: str, execution_id: str) -> bool:
        """Whether the execution had begun before event keys were derived from the crew's name."""
        ...

    async def running(self, *, crews: Collection[str], limit: int) -> tuple[ExecutionPosting, ...]:
        """These crews' tracked executions that have not ended, the oldest first."""
        ...

    async def postings(
        self, executions: Collection[tuple[str, str]]
    ) -> tuple[ExecutionPosting, ...]:
        """These executions, by crew and id, in any order."""
        ...

    async def posting(self, crew: str, execution_id: str) -> ExecutionPosting | None:
        """The execution and its place in Slack, or None."""
        ...

    async def given_webhooks(self, crew: str, execution_id: str) -> WebhookUrls:
        """The URLs a caller gave for an execution: registered, else carried."""
        ...

    async def has_registered(self, crew: str, execution_id: str) -> bool:
        """True if URLs were registered for an execution, as the answer to a kickoff does."""
        ...

    async def secrets_of(self, crew: str, execution_id: str) -> tuple[str, ...]:
        """What must not be shown of the webhooks registered for it or carried by its pauses."""
        ...

    async def forwarded_webhook(self, webhook_id: str) -> ForwardedWebhook | None:
        """A webhook that is not forwarded yet, or None."""
        ...


class NoteQueries(Protocol):
    """Reading notes."""

    async def of_round(self, round_id: str, *, limit: int) -> tuple[Note, ...]:
        """A round's notes, the oldest first."""
        ...

    async def note(self, channel: str, ts: str) -> Note | None:
        """One note, unless it was deleted."""
        ...

    async def circumstances(self, round_id: str, by: Person) -> Circumstances:
        """What is true of a round, which must exist, when this person approves it."""
        ...


class RoundQueries(Protocol):
    """Reading rounds with the beginning of their output."""

    async def history(self, review_id: str, *, limit: int) -> tuple[RoundLine, ...]:
        """The rounds of a review, the newest first."""
        ...

    async def of_execution(
        self, crew: str, execution_id: str, *, limit: int
    ) -> tuple[RoundLine, ...]:
        """The latest rounds of one execution, the oldest first."""
        ...

    async def first_of_review(self, review_id: str) -> str:
        """The id of a review's first round."""
        ...

    async def count(self, selection: Selection) -> int:
        """How many rounds a selection has; one more than COUNTED for all that are more."""
        ...

    async def last_approved(self, crew: str, execution_id: str) -> Round | None:
        """The round of an execution that was approved last, or None."""
        ...

    async def first(self, selection: Selection, *, limit: int, offset: int = 0) -> tuple[str, ...]:
        """The ids of a selection's first rounds, in order."""
        ...

    async def lines(self, round_ids: Sequence[str]) -> tuple[RoundLine, ...]:
        """These rounds in that order, with notes and claims where they wait."""
        ...


class Queries(Protocol):
    """Reading, outside of any transaction that writes."""

    executions: ExecutionQueries
    """Executions, their webhooks and their thread."""

    notes: NoteQueries
    """What people wrote in the threads."""

    rounds: RoundQueries
    """A review's history, an execution's rounds, the queue."""

    async def round(self, round_id: str) -> Round:
        """Raises RoundNotFound."""
        ...

    async def posting(self, round_id: str) -> Posting:
        """Raises RoundNotFound."""
        ...

    async def direct_messages(self, round_id: str) -> tuple[DirectMessage, ...]:
        """Whom a round was told to in private, and where."""
        ...

    async def callback(self, round_id: str) -> Callback | None:
        """Where a flow's request is answered; None once nothing is left to answer."""
        ...

    async def webhooks(self, round_: Round) -> tuple[WebhookUrls, WebhookUrls]:
        """What was registered for the round's execution, and what its notification carried."""
        ...

    async def email_owner(self, address: str) -> EmailOwner | None:
        """Whom an address stands for, or None when Slack was never asked."""
        ...

    async def installation(self, token_digest: str) -> Installation | None:
        """Where the bot with this token is installed, or None when Slack never told."""
        ...

    async def absences(self, *, at: datetime, delegate: str | None = None) -> tuple[Absence, ...]:
        """Who is away at this moment; with `delegate` those for whom this person decides."""
        ...

    async def absence(self, user: str, *, at: datetime) -> Absence | None:
        """The absence of this person; None if they are not away at this moment."""
        ...

    async def rules(self, crews: Collection[str]) -> tuple[StoredRule, ...]:
        """The rules under which rounds of these crews were opened, also those of long ago."""
        ...

    async def dead_letter(self, dead_letter_id: str) -> DeadLetter | None:
        """The dead letter, or None."""
        ...

    async def behind(self, round_ids: Collection[str], *, since: datetime) -> frozenset[str]:
        """Those of these rounds whose card does not show yet what was true by then."""
        ...

    async def ping(self) -> None:
        """Raises StoreUnavailable when the database does not answer."""
        ...

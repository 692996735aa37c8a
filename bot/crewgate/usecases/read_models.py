"""What people are shown, as the use cases hand it to Slack's renderers: typed, no blocks here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Final

from crewgate.domain.execution import Execution, TaskUpdate
from crewgate.domain.given import Given
from crewgate.domain.notes import Claim
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import Email, ReviewerRef, User
from crewgate.domain.reason import Dismissed
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Person

NO_RULE: Final = ""
"""The id of the rule of rounds for which their crew's settings count."""
QueueKey = tuple[str, str]
"""A crew, and the id of a stored rule or NO_RULE: the same people may decide all its rounds."""


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything a card shows: one round, its output, and the round right before it."""

    round: Round
    output: Output
    previous: Round | None = None
    before: Output | None = None
    """What that round's output was."""
    notes: int = 0
    """How many notes people wrote in the thread while it waited."""
    noted_by: tuple[Person, ...] = ()
    """Their authors, in order."""
    claim: Claim | None = None
    """Who was last on it."""
    decided_before: Round | None = None
    """The last round before that one that was decided."""
    subject: str = ""
    """What its execution is about, in one short line."""
    starter: Person | None = None
    """Who started the execution in Slack."""
    given: Given = ()
    """What it was started on."""
    reviewers: tuple[ReviewerRef, ...] = ()
    """Who may decide; no e-mail address of somebody whom Slack knows."""
    escalates_to: tuple[ReviewerRef, ...] = ()
    """Who its rule lets decide too when nobody does; the same."""
    names: Given = ()
    """What some of these are called, by user id."""
    absences: tuple[Absence, ...] = ()
    """Who is away, was or will be, while the round waits: see `Absence.holds`."""
    started_by: User | Email | None = None
    """Who is said to have started it: `starter`, or whom its caller named."""
    approvers: Approvers | None = None
    """Who is left that may approve, where that is known and its rule lets not everybody."""
    newer: NewerRound | None = None
    """The latest round of the same review, where that is another one with a card."""

    @property
    def earlier(self) -> tuple[Round, ...]:
        """The earlier rounds that it quotes or compares with, the latest first."""
        return tuple(one for one in (self.previous, self.decided_before) if one is not None)

    def with_earlier(self, readable: Collection[str]) -> CardView:
        """The same with those of the earlier rounds that have these ids.

        Without the round right before it there is none: an older one is not what it follows.
        """
        if self.previous is None or self.previous.id not in readable:
            return replace(self, previous=None, before=None, decided_before=None)
        older = self.decided_before
        return replace(self, decided_before=older if older and older.id in readable else None)

    @property
    def answers(self) -> Round | None:
        """The round whose decision this output answers."""
        decided = self.previous is not None and self.previous.decision is not None
        return self.previous if decided else self.decided_before


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve a round whose rule asks for several, or for others than its starter."""

    starter: ReviewerRef | None = None
    """Who started the execution and may not approve it; None where nobody knows."""
    not_told: bool = False
    """Slack does not say now who started it."""
    too_few: bool = False
    """Fewer are left than it takes."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message is in Slack. `thread_ts` is the thread's first message, which may be it."""

    channel: str
    ts: str
    thread_ts: str


@dataclass(frozen=True, slots=True)
class NewerRound:
    """A later round, by its number, and where its card is."""

    number: int
    card: MessageRef


@dataclass(frozen=True, slots=True)
class DirectMessage:
    """A message about a round that one person got in private."""

    user: str
    message: MessageRef


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A round in a list, without its output."""

    round: Round
    card: MessageRef | None
    """None until the card has been posted."""
    excerpt: str = ""
    """The beginning of its output, where the list shows it."""
    characters: int = 0
    """How long the whole output is."""
    format: Format = Format.MARKDOWN
    """Its format."""
    notes: int = 0
    """How many notes people wrote in the thread, while it waits and where the list shows it."""
    noted_by: tuple[Person, ...] = ()
    """Their authors, in order."""
    claim: Claim | None = None
    """Who was last on it; the same."""
    subject: str = ""
    """What its execution is about, in one short line."""
    rule_id: str = NO_RULE
    """Of the stored rule that it is under."""

    @property
    def key(self) -> QueueKey:
        """Where it is."""
        return self.round.review.crew, self.rule_id


COUNTED: Final = 1_000
"""So far totals count. One more stands for all that are more: nobody waits for them to be counted.
"""


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as it was when rounds of a crew opened under it."""

    id: str
    crew: str
    rule: Rule
    escalated: bool
    """Of those rounds that were escalated."""

    @property
    def key(self) -> QueueKey:
        """Where its rounds are."""
        return self.crew, self.id


@dataclass(frozen=True, slots=True)
class Selection:
    """Rounds of these crews and rules in these states, the oldest first.

    With `decided_since` those that were decided since then, the latest decision first.
    """

    queues: tuple[QueueKey, ...]
    states: tuple[State, ...]
    decided_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """What is waiting, the oldest first. `total` has those left off the list too, up to COUNTED."""

    lines: tuple[RoundLine, ...]
    total: int


class CrewStatus(Enum):
    """Where an execution is, by the crew's own account."""

    RUNNING = auto()
    COMPLETED = auto()
    FAILED = auto()
    OTHER = auto()
    """The crew used another word; it counts as no end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The crew's own answer to `GET /status/{kickoff_id}`.

    `word` is the crew's word for `status`, for people to read. Totals are None when the crew
    does not say.
    """

    status: CrewStatus
    word: str
    current_task: str | None = None
    completed_tasks: int | None = None
    total_tasks: int | None = None
    error: str | None = None
    result: Output | None = None


@dataclass(frozen=True, slots=True)
class CrewUnavailable:
    """The crew gave no answer that can be used: `why` in a few words.

    `answered`: something came back. `gone`: it said itself that it knows no such execution.
    """

    why: str
    gone: bool = False
    answered: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionStatus:
    """One execution in full: its rounds, the oldest first, and what the crew says itself."""

    execution: Execution
    rounds: tuple[RoundLine, ...]
    progress: Progress | CrewUnavailable


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A webhook that could not be understood, kept as it came."""

    id: str
    crew: str
    reason: str
    body: bytes
    received_at: datetime
    report: MessageRef | None = None
    """Where it was reported; not known of those before there was a button."""
    dismissed: Dismissed | None = None


@dataclass(frozen=True, slots=True)
class QueuePart:
    """One part of a reviewer's queue, or a stretch of it. `total` is all of it, up to COUNTED."""

    lines: tuple[RoundLine, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Queue:
    """A reviewer's queue, as Home shows it: one page of it."""

    mine: QueuePart
    stuck: QueuePart
    others: QueuePart
    decided: QueuePart
    """The latest decision first; of the other parts the oldest round."""
    page: int
    pages: int
    kept: tuple[RoundLine, ...] = ()
    """Rounds that were asked for beside this page, as far as the person may read them."""
    reviewed: frozenset[QueueKey] = frozenset()
    """The crews and rules for whose rounds the person may decide."""
    operated: frozenset[str] = frozenset()
    """The crews that the person looks after."""


@dataclass(frozen=True, slots=True)
class ExecutionPosting:
    """What a Slack message about an execution needs: the execution and where it goes."""

    execution: Execution
    progress_message: MessageRef | None
    """The message that shows how far it is; None until it has been posted."""
    channel: str | None
    """Where the execution's thread is; None before its first message."""
    thread_ts: str | None
    finished: tuple[TaskUpdate, ...] = ()
    """Its tasks that were finished last, in order."""
    finished_before: int = 0
    """How many were finished before those."""
    approved: Round | None = None
    """The round whose output is its result, where somebody approved that."""

    @property
    def thread(self) -> MessageRef | None:
        """The first message of the execution's thread."""
        if self.channel is None or self.thread_ts is None:
            return None
        return MessageRef(self.channel, self.thread_ts, self.thread_ts)


@dataclass(frozen=True, slots=True)
class ExecutionLine:
    """An execution in a list, with its rounds that need somebody, the most urgent first."""

    posting: ExecutionPosting
    rounds: tuple[RoundLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ForwardedWebhook:
    """A webhook that is forwarded to the caller, as it came."""

    id: str
    crew: str
    execution_id: str
    """Empty when it could not be understood."""
    kind: str
    content_type: str
    body: bytes

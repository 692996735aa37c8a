"""Typed values for Slack's renderers: everything that people are shown, without blocks."""

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Final, Self

from crewgate.domain.caveats import Circumstances, Claim
from crewgate.domain.execution import Execution, TaskUpdate
from crewgate.domain.lessons import NOT_FOLLOWED, Lesson, LessonsGiven
from crewgate.domain.masking import NOTHING, Masked, Masking
from crewgate.domain.notification import Format, Given, Output
from crewgate.domain.people import Email, ReviewerRef, User
from crewgate.domain.reason import Dismissed
from crewgate.domain.referrals import Referral
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import Rule
from crewgate.domain.subjects import call_of
from crewgate.domain.verdict import Decision, Person

NO_RULE_ID: Final = ""
"""The rule id of rounds under no rule, for which their crew's settings apply."""
QueueKey = tuple[str, str]
"""A crew and the id of a stored rule or NO_RULE_ID; the queue's rounds have the same deciders."""


@dataclass(frozen=True, slots=True)
class Approvers:
    """Limits on the approvers of a round: several are needed, or people other than its starter."""

    starters: tuple[ReviewerRef, ...] = ()
    _: KW_ONLY
    not_told: bool = False
    """Slack cannot name the starter now."""
    too_few: bool = False
    in_vain: frozenset[str] = frozenset()
    """The people looked up whose own approval would be refused."""
    empty: tuple[ReviewerRef, ...] = ()
    """The lists of people on whom the round counts, and of whom Slack says that nobody is left."""

    def bar(self, user: str | None) -> bool:
        return self.too_few or user in {*map(str, self.starters), *self.in_vain}


@dataclass(frozen=True, slots=True)
class MessageRef:
    """The place of a message in Slack. `thread_ts` is the thread's first message, maybe itself."""

    channel: str
    ts: str
    thread_ts: str


@dataclass(frozen=True, slots=True)
class NewerRound:
    """The latest round of a review, and that round's card."""

    round: Round
    card: MessageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The one person who sees a page or a form about a round."""

    user: str
    now: datetime
    why: tuple[str, ...] = ()
    """The reasons why this person is asked, and the task that follows."""
    alerts: bool = False
    """True if the workspace takes alerts in forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFacts:
    """The facts that must be known wherever somebody may decide on a round."""

    round: Round
    topic: str = ""
    notes: int = 0
    noted_by: tuple[Person, ...] = ()
    claim: Claim | None = None
    started_by: tuple[User | Email, ...] = ()
    """The starter by account or address: Slack's, or the caller's `started_by`."""
    approvers: Approvers | None = None
    """Limits on the round's approvers; None if unknown, or if the rule sets no limits."""
    due_at: datetime | None = None
    """The time of the rule's own decision; None without a time-out, or if the round is decided."""

    def _circumstances(self, *, characters: int, masked: bool | None, erased: int) -> Circumstances:
        call = call_of(self.round.subject)
        return Circumstances(
            notes=(("", ""),) * self.notes,
            claim=self.claim,
            characters=characters,
            masked=masked,
            asks_about_masks=self.round.rule.ask_about_masks,
            hides=call is not None and call.hides,
            erased=erased + (0 if call is None else call.erased),
            may_have_run=call is not None and call.may_have_run,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView(RoundFacts):
    """The content of a card: one round, its output, and the round right before it."""

    output: Output
    previous: Round | None = None
    before: Output | None = None
    decided_before: Round | None = None
    starter: Person | None = None
    given: Given = ()
    reviewers: tuple[ReviewerRef, ...] = ()
    """The people who may decide; an e-mail address only if Slack knows no account for it."""
    escalates_to: tuple[ReviewerRef, ...] = ()
    names: Given = ()
    absences: tuple[Absence, ...] = ()
    """Absences, past and future ones too; empty once the round waits no longer."""
    lessons: LessonsGiven | None = None
    """The lessons with which the round's execution was started."""
    approved_calls: tuple[tuple[str, Decision], ...] = ()
    """The approvals of the agent's calls since the round before, each with its tool."""
    newer: NewerRound | None = None
    """The latest round of the review, if that is another round with a card."""
    after: Output | None = None
    """The arguments of `newer`, if this is a call and `newer` is for the same people."""
    calls_all: bool = False
    is_quiet: bool = False
    """The message mentions nobody, because people were mentioned lately.

    A card is short: headline, what makes an approval risky, a beginning, and its buttons.
    """
    masked: Masked = ()
    asked_text: str | None = None
    """The edited `before`, if the crew was asked for exactly these edits."""
    referral: Referral | None = None
    """The referral that a message is about."""
    run_url: str = ""
    """The address of the execution, by the crew's `run_url`; empty without one."""
    viewer: Viewer | None = None
    """The only person who sees the card; None: everybody in the channel."""

    @property
    def earlier(self) -> tuple[Round, ...]:
        """The earlier rounds that the card quotes or compares with, the latest first."""
        return tuple(one for one in (self.previous, self.decided_before) if one is not None)

    def with_earlier(self, readable: Collection[str]) -> Self:
        """Return the view with only the readable earlier rounds.

        If the previous round is not readable, `decided_before` goes too: it is not the one before.
        """
        if self.previous is None or self.previous.id not in readable:
            return replace(self, previous=None, before=None, asked_text=None, decided_before=None)
        older = self.decided_before
        return replace(self, decided_before=older if older and older.id in readable else None)

    @property
    def may_hide_changes(self) -> bool:
        """True if a masked passage may differ between this round and the round before."""
        return (
            self.previous is not None
            and bool(self.masked)
            and self.previous.digest != self.round.digest
        )

    @property
    def circumstances(self) -> Circumstances:
        """The facts about an approval by somebody who has looked at nothing but this card."""
        return self._circumstances(
            characters=len(self.output.text),
            masked=bool(self.masked),
            erased=self.output.erased,
        )

    @property
    def shown_round(self) -> Round:
        """The round whose state the card in the channel shows.

        A review's first card is in the channel and shows the latest round, whose card is in the
        thread.
        """
        if self.newer is None or self.round.number > 1:
            return self.round
        here = self.newer.round.rule.channel == self.round.rule.channel
        return self.newer.round if here else self.round

    @property
    def answers(self) -> Round | None:
        """The earlier round whose decision this output answers, if there is one."""
        decided = self.previous is not None and self.previous.decision is not None
        return self.previous if decided else self.decided_before


@dataclass(frozen=True, slots=True)
class Heard:
    """News of an execution since a round's pause, or since the try of its decision in doubt."""

    done: bool
    named: int
    """The number of webhooks that name a task."""
    beside: bool
    """Another review waited for people or for its decision to be sent, or its task may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """The content and the place of a Slack message about a round."""

    view: CardView
    card: MessageRef | None
    channel: str | None
    """The thread's channel; None before the thread's first message."""
    thread_ts: str | None
    shown: int | None = None
    """The percentage of the output that the last card or update showed."""
    no_approver: bool = False
    """True if the last card or update said that too few people are left who may approve."""
    announced_at: datetime | None = None
    """The time when Slack took the round's card; it stays if the card is deleted."""
    reader: str | None = None
    shows_progress: bool = False
    masking: Masking = NOTHING
    """The masking of a text that was read without masks."""

    def quiet(self) -> Self:
        return replace(self, view=replace(self.view, is_quiet=True))


@dataclass(frozen=True, slots=True)
class UnclearKickoff:
    """A kickoff whose answer is unknown."""

    starter: User | Email | None
    """The starter; None if only the named reviewer matters."""
    named: Mapping[str, str]
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundLine(RoundFacts):
    """A round in a list, with the beginning of its output."""

    card: MessageRef | None
    excerpt: str = ""
    characters: int = 0
    format: Format = Format.MARKDOWN
    rule_id: str = NO_RULE_ID
    masked: bool | None = False
    """True if passages of the output are masked; None: no card has counted them yet."""
    erased: int = 0

    @property
    def key(self) -> QueueKey:
        return self.round.review.crew, self.rule_id

    @property
    def circumstances(self) -> Circumstances:
        """The facts about an approval by somebody who has looked at nothing but this line."""
        return self._circumstances(
            characters=self.characters, masked=self.masked, erased=self.erased
        )


COUNTED: Final = 1_000
"""The highest exact total; higher totals take too long, and become this number plus one."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Numbers, and times of the oldest: waiting rounds by crew, due effects by destination."""

    waiting: Mapping[str, tuple[int, datetime]]
    due: Mapping[str, tuple[int, datetime]]


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as stored when rounds of a crew opened under it."""

    id: str
    crew: str
    rule: Rule
    escalated: bool

    @property
    def key(self) -> QueueKey:
        return self.crew, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rounds of some queues in some states, oldest first.

    `decided_since` selects rounds decided since then, the latest decision first; `after` those
    behind that round, by the times they were opened and their ids.
    """

    queues: tuple[QueueKey, ...]
    states: tuple[State, ...]
    decided_since: datetime | None = None
    without: tuple[str, ...] = ()
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonView:
    """The content and the place of a lesson's card."""

    lesson: Lesson
    round: Round
    """The approved round from which the lesson comes."""
    wish: str
    """The revision in its writer's words; empty once the round's texts were removed."""
    from_card: MessageRef | None
    """The card of the approved round."""
    card: MessageRef | None
    beside: tuple[Lesson, ...] = ()
    """The crew's other lessons in force, from rounds in the card's channel, the newest first."""
    beside_elsewhere: int = 0
    """The count of such lessons from other channels, which people here may not read."""

    @property
    def ballot(self) -> Round:
        """The round as waiting with the lesson's votes, for the rule that decides on the lesson."""
        return self.lesson.ballot(self.round)


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonLine:
    """A proposed or kept lesson in a list; `uses` counts the executions that carried it."""

    lesson: Lesson
    card: MessageRef | None
    uses: int
    wish: str
    before: int = 0
    """Revisions with the lesson's wish before the lesson was kept, its own among them."""
    again: int = 0
    """Revisions with the lesson's wish in executions that carried the lesson."""
    is_masked: bool = False
    """The lesson's text holds what the crew's `redact` masks by now."""

    @property
    def is_not_followed(self) -> bool:
        return self.again >= NOT_FOLLOWED


@dataclass(frozen=True, slots=True)
class CrewLessons:
    """The lessons of a crew, the newest first."""

    crew: str
    lines: tuple[LessonLine, ...] = ()


class CrewStatus(Enum):
    """The state of an execution, by the crew's own account."""

    RUNNING = auto()
    COMPLETED = auto()
    FAILED = auto()
    OTHER = auto()
    """The crew used another word for the state, which does not count as an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The crew's own answer to `GET /status/{kickoff_id}`.

    `word` is the crew's word for `status`, for people to read. Totals are None if the crew does not
    send them.
    """

    status: CrewStatus
    word: str
    current_task: str | None = None
    completed_tasks: int | None = None
    total_tasks: int | None = None
    error: str | None = None
    result: Output | None = None


@dataclass(frozen=True, slots=True)
class Failing:
    """Decisions that a crew has not taken yet, and their tries."""

    decisions: int
    tries: int
    since: datetime
    next_at: datetime


@dataclass(frozen=True, slots=True)
class CrewUnavailable:
    """The crew gave no usable answer; `why` in a few words.

    `answered`: some answer came. `gone`: the crew does not know the execution.
    """

    why: str
    gone: bool = False
    answered: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionStatus:
    """One execution in full: its rounds, the oldest first, and the crew's own answer."""

    execution: Execution
    rounds: tuple[RoundLine, ...]
    progress: Progress | CrewUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A webhook that could not be parsed, stored as received."""

    id: str
    crew: str
    reason: str
    body: bytes
    received_at: datetime
    report: MessageRef | None = None
    dismissed: Dismissed | None = None
    count: int = 1
    """The number of dead letters in the letter's report, itself included, up to COUNTED."""
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuePart:
    """One part of a reviewer's queue, or a slice of it. `total` counts the part, up to COUNTED."""

    lines: tuple[RoundLine, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One page of a reviewer's queue, as Home shows it."""

    mine: QueuePart
    stuck: QueuePart
    nobody: QueuePart
    others: QueuePart
    decided: QueuePart
    """Decided rounds, the latest decision first; other parts begin with the oldest round."""
    page: int
    pages: int
    kept: tuple[RoundLine, ...] = ()
    """Rounds requested beside this page, as far as the person may read them."""
    reviewed: frozenset[QueueKey] = frozenset()
    operated: frozenset[str] = frozenset()
    crews: frozenset[str] = frozenset()
    """The crews whose rounds can be in the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPosting:
    """The content and the place of a Slack message about an execution."""

    execution: Execution
    progress_message: MessageRef | None
    channel: str | None
    thread_ts: str | None
    finished: tuple[TaskUpdate, ...] = ()
    finished_before: int = 0
    approved: Round | None = None
    rounds: tuple[Round, ...] = ()
    """The execution's last rounds, for the progress message."""

    @property
    def thread(self) -> MessageRef | None:
        if self.channel is None or self.thread_ts is None:
            return None
        return MessageRef(self.channel, self.thread_ts, self.thread_ts)


@dataclass(frozen=True, slots=True)
class ExecutionLine:
    """An execution in a list, with its urgent rounds, the most urgent first."""

    posting: ExecutionPosting
    rounds: tuple[RoundLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardedWebhook:
    """A webhook that is forwarded to the caller, as received."""

    id: str
    crew: str
    execution_id: str
    """Empty if it could not be parsed."""
    kind: str
    content_type: str
    body: bytes

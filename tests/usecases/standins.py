"""Slack and a crew, as their ports see them: in memory, with state, and with faults on demand."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.notes import Note
from bot.domain.notification import WebhookUrls
from bot.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    ResumeStatus,
    Unknown,
)
from bot.domain.people import Email, ReviewerRef, User, UserGroup
from bot.domain.review import Round
from bot.domain.verdict import Decision
from bot.usecases.ports.base import Clock
from bot.usecases.ports.crew import KickoffOutcome, KickoffRequest
from bot.usecases.ports.slack import Members, Posted, Posting
from bot.usecases.read_models import CrewStatus, CrewUnavailable, DeadLetter, MessageRef, Progress

AWAY = NotSent("connection refused")
LOST = Unknown("no answer")


class Crashed(BaseException):
    """The process died in the middle of a call."""


@dataclass(frozen=True)
class Fault:
    """What comes of the next call instead of an answer. `after`: once it has taken effect."""

    outcome: NotSent | Refused | Unknown | type[Crashed]
    after: bool = False

    def strike(self) -> NotSent | Refused | Unknown:
        if isinstance(self.outcome, type):
            raise self.outcome
        return self.outcome


@dataclass
class Message:
    """Something posted in Slack."""

    key: str
    ref: MessageRef
    posted_at: datetime
    shows: Round | DeadLetter
    plain: bool = False
    deleted: bool = False


@dataclass
class FakeSlack:
    """`Messenger`: keeps messages by key, and finds them again where it is asked to look."""

    clock: Clock
    faults: deque[Fault] = field(default_factory=deque)
    messages: list[Message] = field(default_factory=list)
    excerpts: bool = False
    """Whether outputs are too long for a card."""
    unshowable: bool = False
    """Whether what the agent wrote is refused, unless the card is plain."""
    calls: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def keyed(self, key: str) -> list[Message]:
        return [message for message in self.messages if message.key == key and not message.deleted]

    def card(self, round_id: str) -> Message:
        (message,) = self.keyed(f"card {round_id}")
        return message

    async def post_card(
        self, posting: Posting, *, channel: str, posted_since: datetime | None, plain: bool = False
    ) -> Posted | NotSent | Refused | Unknown:
        round_ = posting.view.round
        if self.unshowable and not plain:
            self.calls.append(f"refuse {round_.id}")
            return Refused("invalid_blocks", "cannot be shown", RefusalKind.CONTENT)
        outcome = self._post(f"card {round_.id}", round_, channel, posting.thread_ts, posted_since)
        if not isinstance(outcome, Message):
            return outcome
        outcome.plain = plain
        return Posted(outcome.ref, excerpted=self.excerpts or plain)

    async def update_card(self, posting: Posting, *, plain: bool = False) -> Outcome:
        round_ = posting.view.round
        self.calls.append(f"update {round_.id}")
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        if self.unshowable and not plain:
            return Refused("msg_too_long", "cannot be shown", RefusalKind.CONTENT)
        found = [m for m in self.keyed(f"card {round_.id}") if m.ref == posting.card]
        if not found:
            return Refused("message_not_found", "deleted", RefusalKind.MESSAGE_GONE)
        found[0].shows, found[0].plain = round_, plain
        return fault.strike() if fault else Delivered()

    async def attach_output(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        return self._notice(f"file {posting.view.round.id}", posting, posted_since)

    async def notify_stuck(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        return self._notice(f"stuck {posting.view.round.id}", posting, posted_since)

    async def report(
        self, dead_letter: DeadLetter, *, channel: str, posted_since: datetime | None
    ) -> Outcome:
        outcome = self._post(f"letter {dead_letter.id}", dead_letter, channel, None, posted_since)
        return Delivered() if isinstance(outcome, Message) else outcome

    async def name_of(self, user: str) -> str | None:
        self.calls.append(f"name {user}")
        return self.names.get(user)

    async def react(self, note: Note) -> Outcome:
        self.calls.append(f"react {note.ts}")
        return self.faults.popleft().strike() if self.faults else Delivered()

    async def offer(self, note: Note, posting: Posting) -> Outcome:
        self.calls.append(f"offer {note.ts}")
        return Delivered()

    def _notice(self, key: str, posting: Posting, posted_since: datetime | None) -> Outcome:
        if posting.channel is None:
            return Delivered("nowhere to tell")
        outcome = self._post(
            key, posting.view.round, posting.channel, posting.thread_ts, posted_since
        )
        return Delivered() if isinstance(outcome, Message) else outcome

    def _post(
        self,
        key: str,
        shows: Round | DeadLetter,
        channel: str,
        thread_ts: str | None,
        posted_since: datetime | None,
    ) -> Message | NotSent | Refused | Unknown:
        self.calls.append(f"post {key}")
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        if posted_since is not None:
            for found in self.keyed(key):
                if found.posted_at >= posted_since:
                    return found
        if thread_ts is not None and any(
            m.ref.ts == thread_ts and m.deleted for m in self.messages
        ):
            return Refused("thread_not_found", "deleted", RefusalKind.THREAD_GONE)
        ts = f"{len(self.messages) + 1}.000"
        message = Message(key, MessageRef(channel, ts, thread_ts or ts), self.clock(), shows=shows)
        self.messages.append(message)
        return fault.strike() if fault else message


@dataclass(frozen=True)
class Resumed:
    """One effective resume."""

    execution_id: str
    task_id: str
    decision: Decision
    webhooks: WebhookUrls
    output: str
    """What was pending when it came."""


@dataclass
class FakeCrew:
    """`CrewClient`: executions that pause, take one resume a pause, and go on."""

    faults: deque[Fault] = field(default_factory=deque)
    pending: dict[tuple[str, str], str] = field(default_factory=dict)
    """(execution, task) to the output that waits for a person."""
    completed: set[str] = field(default_factory=set)
    taken: list[Resumed] = field(default_factory=list)
    asked: list[tuple[str, Decision]] = field(default_factory=list)
    """Every `/resume` that arrived, or was on its way when something broke."""
    on_resume: Callable[[str, Decision], Awaitable[None]] | None = None
    """Called before a resume is looked at."""
    on_taken: Callable[[Resumed], Awaitable[None]] | None = None
    """Called when a resume has taken effect, before it is answered."""
    on_status: Callable[[str], Awaitable[None]] | None = None
    """Called before the status is answered."""
    silent: bool = False
    says: Progress | CrewUnavailable | None = None
    """What it says instead of the truth."""
    kickoff_outcome: KickoffOutcome = field(default_factory=lambda: NotSent("no kickoff expected"))
    kickoffs: list[tuple[KickoffRequest, WebhookUrls]] = field(default_factory=list)

    def pause(self, text: str = "A draft.", *, execution: str = "e-1", task: str = "draft") -> None:
        self.pending[execution, task] = text

    async def resume(
        self, execution_id: str, task_id: str, decision: Decision, webhooks: WebhookUrls
    ) -> Outcome:
        self.asked.append((execution_id, decision))
        if self.on_resume:
            await self.on_resume(execution_id, decision)
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        output = self.pending.pop((execution_id, task_id), None)
        if output is None:
            return Refused("400", "not pending", RefusalKind.NOT_PENDING)
        resumed = Resumed(execution_id, task_id, decision, webhooks, output)
        self.taken.append(resumed)
        if self.on_taken:
            await self.on_taken(resumed)
        if fault:
            return fault.strike()
        return Delivered(
            "Thank you.", ResumeStatus.RESUMED if decision.is_approve else ResumeStatus.RETRYING
        )

    async def status(self, execution_id: str) -> Progress | CrewUnavailable:
        if self.on_status:
            await self.on_status(execution_id)
        if self.says:
            return self.says
        if self.silent:
            return CrewUnavailable("no answer within 2 s")
        if execution_id in self.completed:
            return Progress(CrewStatus.COMPLETED, "completed")
        return Progress(CrewStatus.RUNNING, "running")

    async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome:
        self.kickoffs.append((request, webhooks))
        return self.kickoff_outcome

    async def inputs(self) -> tuple[str, ...] | CrewUnavailable:
        return self.says if isinstance(self.says, CrewUnavailable) else ("topic",)

    async def ping(self) -> CrewUnavailable | None:
        return self.says if isinstance(self.says, CrewUnavailable) else None


@dataclass
class FakeDirectory:
    """`Directory`: what e-mails and groups stand for."""

    people: dict[ReviewerRef, frozenset[str]] = field(default_factory=dict)

    def members(self, named: tuple[ReviewerRef, ...]) -> Members:
        users = {ref.id for ref in named if isinstance(ref, User)}
        unresolved = []
        for ref in named:
            if ref in self.people:
                users |= self.people[ref]
            elif isinstance(ref, Email | UserGroup):
                unresolved.append(ref)
        return Members(frozenset(users), tuple(unresolved))

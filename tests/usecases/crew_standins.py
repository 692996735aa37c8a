"""A crew and the callers' addresses, as their ports see them: in memory, with state."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from crewgate.domain.notification import Callback, Output, WebhookUrls
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    ResumeStatus,
)
from crewgate.domain.verdict import Decision
from crewgate.usecases.ports.crew import KickoffOutcome, KickoffRequest, ResumeRequest
from crewgate.usecases.read_models import (
    CrewStatus,
    CrewUnavailable,
    ForwardedWebhook,
    Progress,
)
from tests.usecases.faults import Fault


@dataclass(frozen=True)
class Resumed:
    """One effective resume."""

    execution_id: str
    task_id: str
    decision: Decision
    webhooks: WebhookUrls
    output: str
    """The output that was pending when it came, or people's text."""
    pending: str


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
    answers: dict[str, Outcome] = field(default_factory=dict)
    """The answers to decisions, by the keys that they came with."""
    silent: bool = False
    takes: tuple[str, ...] = ("topic",)
    """Its inputs."""
    inputs_asked: int = 0
    says: Progress | CrewUnavailable | None = None
    """The answer to `status` in place of the true one."""
    kickoff_outcome: KickoffOutcome = field(default_factory=lambda: NotSent("no kickoff expected"))
    kickoffs: list[tuple[KickoffRequest, WebhookUrls]] = field(default_factory=list)

    def pause(self, text: str = "A draft.", *, execution: str = "e-1", task: str = "draft") -> None:
        self.pending[execution, task] = text

    async def resume(self, request: ResumeRequest) -> Outcome:
        execution_id, task_id, decision = request.execution_id, request.task_id, request.decision
        edited, key = request.edited, request.key
        self.asked.append((execution_id, decision))
        if self.on_resume:
            await self.on_resume(execution_id, decision)
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        if key in self.answers:
            return self.answers[key]
        output = self.pending.pop((execution_id, task_id), None)
        if output is None:
            return Refused("400", "not pending")
        text = output if edited is None else edited if isinstance(edited, str) else str(edited)
        resumed = Resumed(execution_id, task_id, decision, request.webhooks, text, output)
        self.taken.append(resumed)
        status = ResumeStatus.RESUMED if decision.is_approve else ResumeStatus.RETRYING
        answer = Delivered("Thank you.", status)
        if key is not None:
            self.answers[key] = answer
        if self.on_taken:
            await self.on_taken(resumed)
        return fault.strike() if fault else answer

    async def status(self, execution_id: str) -> Progress | CrewUnavailable:
        if self.on_status:
            await self.on_status(execution_id)
        if self.says:
            return self.says
        if self.silent:
            return CrewUnavailable("no answer within 2 s")
        if execution_id in self.completed:
            return Progress(status=CrewStatus.COMPLETED, word="completed", result=Output("Done."))
        return Progress(status=CrewStatus.RUNNING, word="running")

    async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome:
        self.kickoffs.append((request, webhooks))
        return self.kickoff_outcome

    async def inputs(self) -> tuple[str, ...] | CrewUnavailable:
        self.inputs_asked += 1
        return self.says if isinstance(self.says, CrewUnavailable) else self.takes

    async def ping(self) -> CrewUnavailable | None:
        return self.says if isinstance(self.says, CrewUnavailable) else None


KEEP, DROP, RETIRE = "Keep", "Drop", "Retire"


@dataclass
class FakeFlows:
    """`FlowAnswers`: each address takes one answer, which is the outcome; then it says so."""

    faults: deque[Fault] = field(default_factory=deque)
    taken: dict[str, str] = field(default_factory=dict)
    """The answers by address."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Every answer that arrived, or was on its way when something broke."""
    refusal: Refused = field(
        default_factory=lambda: Refused("409", "already responded", RefusalKind.ANSWERED)
    )
    """The answer to a second answer."""
    on_answer: Callable[[str], Awaitable[None]] | None = None
    """Called before an answer is looked at."""
    takes_retirements: bool = True
    lessons: dict[str, datetime | None] = field(default_factory=dict)
    """The ends of the lessons that were kept, and not retired, by address."""

    async def answer(
        self, crew: str, callback: Callback, feedback: str, *, valid_until: datetime | None = None
    ) -> Outcome:
        self.asked.append((callback.url, feedback))
        if self.on_answer:
            await self.on_answer(feedback)
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        if feedback == RETIRE and self.takes_retirements:
            self.lessons.pop(callback.url, None)
            self.taken.setdefault(callback.url, feedback)
            return fault.strike() if fault else Delivered("accepted")
        if feedback == KEEP and callback.url not in self.taken:
            self.lessons[callback.url] = valid_until
        if callback.url in self.taken:
            return self.refusal
        self.taken[callback.url] = feedback
        return fault.strike() if fault else Delivered("accepted", label=feedback)


@dataclass
class FakeForwarder:
    """`WebhookForwarder`: an address that takes everything, or what `faults` say."""

    faults: deque[Outcome] = field(default_factory=deque)
    forwarded: list[tuple[str, bytes]] = field(default_factory=list)

    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome:
        if self.faults:
            return self.faults.popleft()
        self.forwarded.append((url, webhook.body))
        return Delivered()

"""Slack and the callers' addresses, as following an execution sees them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.execution import Execution, TaskUpdate
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.usecases.ports.slack import MessageKind, Posted
from bot.usecases.read_models import ExecutionPosting, ForwardedWebhook, MessageRef
from tests.usecases.standins import FakeSlack


@dataclass(frozen=True)
class Said:
    what: MessageKind
    execution: Execution
    news: TaskUpdate | None
    ref: MessageRef


@dataclass
class FakeReporter:
    """`ExecutionMessenger`: keeps what was said."""

    slack: FakeSlack
    said: list[Said] = field(default_factory=list)
    updates: list[Execution] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    faults: deque[NotSent | Refused | Unknown] = field(default_factory=deque)
    excerpts: bool = False

    async def say(
        self,
        what: MessageKind,
        view: ExecutionPosting,
        *,
        channel: str,
        posted_since: datetime | None,
        subject: str = "",
        news: TaskUpdate | None = None,
    ) -> Posted | NotSent | Refused | Unknown:
        if self.faults:
            return self.faults.popleft()
        ts = f"{len(self.said) + 1}.500"
        ref = MessageRef(channel, ts, view.thread_ts or ts)
        self.said.append(Said(what, view.execution, news, ref))
        return Posted(ref, excerpted=self.excerpts and what is MessageKind.END)

    async def update(self, view: ExecutionPosting) -> Outcome:
        if self.faults:
            return self.faults.popleft()
        self.updates.append(view.execution)
        return Delivered()

    async def attach_result(
        self,
        view: ExecutionPosting,
        *,
        posted_since: datetime | None,
    ) -> Outcome:
        assert view.execution.result is not None
        self.files.append(view.execution.result.text)
        return Delivered()


@dataclass
class FakeCourier:
    """`WebhookForwarder`: an address that takes everything, or what `faults` say."""

    faults: deque[Outcome] = field(default_factory=deque)
    brought: list[tuple[str, bytes]] = field(default_factory=list)

    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome:
        if self.faults:
            return self.faults.popleft()
        self.brought.append((url, webhook.body))
        return Delivered()

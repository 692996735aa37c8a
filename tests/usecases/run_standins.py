"""Slack and the callers' addresses, as following an execution sees them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.execution import Run, TaskNews
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.usecases.ports.slack import Posted, Saying
from bot.usecases.read_models import MessageRef, Parcel, RunView
from tests.usecases.standins import FakeSlack


@dataclass(frozen=True)
class Said:
    what: Saying
    run: Run
    news: TaskNews | None
    ref: MessageRef


@dataclass
class FakeReporter:
    """`RunMessenger`: keeps what was said."""

    slack: FakeSlack
    said: list[Said] = field(default_factory=list)
    updates: list[Run] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    faults: deque[NotSent | Refused | Unknown] = field(default_factory=deque)
    excerpts: bool = False

    async def say(
        self,
        what: Saying,
        view: RunView,
        *,
        channel: str,
        look_since: datetime | None,
        subject: str = "",
        news: TaskNews | None = None,
    ) -> Posted | NotSent | Refused | Unknown:
        if self.faults:
            return self.faults.popleft()
        ts = f"{len(self.said) + 1}.500"
        ref = MessageRef(channel, ts, view.thread_ts or ts)
        self.said.append(Said(what, view.run, news, ref))
        return Posted(ref, excerpted=self.excerpts and what is Saying.END)

    async def update(self, view: RunView) -> Outcome:
        if self.faults:
            return self.faults.popleft()
        self.updates.append(view.run)
        return Delivered()

    async def attach_result(
        self,
        view: RunView,
        *,
        look_since: datetime | None,
    ) -> Outcome:
        assert view.run.result is not None
        self.files.append(view.run.result.text)
        return Delivered()


@dataclass
class FakeCourier:
    """`Courier`: an address that takes everything, or what `faults` say."""

    faults: deque[Outcome] = field(default_factory=deque)
    brought: list[tuple[str, bytes]] = field(default_factory=list)

    async def bring(self, parcel: Parcel, url: str) -> Outcome:
        if self.faults:
            return self.faults.popleft()
        self.brought.append((url, parcel.body))
        return Delivered()

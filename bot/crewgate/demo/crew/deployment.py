"""A deployed crew as the demo and tests see it: what came, what went, and the faults it has."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from crewgate.demo.changes import Changes
from crewgate.demo.crew.faults import ROUTES
from crewgate.demo.crew.records import BoundedLog, Call, Sent
from crewgate.demo.crew.wire import Style, json_or_text, parse_object_or_nothing
from crewgate.demo.faults import Faults, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crewgate.crew_api.wire import Address, Resume
    from crewgate.demo.crew.execution import Execution
    from crewgate.demo.crew.samples import Sample

T = TypeVar("T")


class Deployment(ABC):
    """One deployed crew; its parts write down here what happens. `keep` bounds each of its logs."""

    patience: float = 5
    """The time that `until` waits by default, in seconds."""
    samples: Sequence[Sample] = ()
    """Topics with a script of their own."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        token: str = "demo-crew-token",
        name: str = "research",
        task_seconds: float = 0,
        keep: int = 1_000,
    ) -> None:
        self.now = now
        self.token = token
        self.name = name
        self.keep = keep
        self.human_input: Address | None = None
        """The human-input webhook of executions that are started without one."""
        self.style = Style.RICH
        """The format of notifications."""
        self.task_seconds = task_seconds
        """The time that each task takes, in seconds."""
        self.webhook_seconds: float = 0
        """The time that each webhook is on its way, in seconds."""
        self.changes = Changes()
        self.faults = Faults(ROUTES)
        """Of `/`, `/inputs`, `/kickoff`, `/status`, `/resume`, and `/crewai_plus` for flows."""
        self.fail, self.clear, self.release = (
            self.faults.fail,
            self.faults.clear,
            self.faults.release,
        )
        self.subscribe = self.changes.subscribe
        self.call_log: BoundedLog[Call] = BoundedLog(keep)
        self.sent_log: BoundedLog[Sent] = BoundedLog(keep)
        self.resume_log: BoundedLog[Resume] = BoundedLog(keep)
        self.by_id: dict[str, Execution] = {}

    # ---- its server

    @property
    @abstractmethod
    def url(self) -> str:
        """The deployment's base URL."""

    @abstractmethod
    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; 0 is any free port."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop everything; the logs stay readable."""

    @abstractmethod
    async def go_down(self) -> None:
        """Refuse and drop connections from now on. Executions continue."""

    @abstractmethod
    async def come_back(self) -> None:
        """Listen again, on the same port."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def called(self, request: web.Request, raw: bytes) -> Call:
        """Write a request down that has just come."""
        call = Call(
            method=request.method,
            path=request.path,
            body=parse_object_or_nothing(raw),
            authorization=request.headers.get("Authorization", ""),
            at=self.now(),
            query=dict(request.query),
        )
        self.call_log.append(call, len(raw))
        self.changes.announce("called", "")
        return call

    async def answer(
        self, request: web.Request, call: Call, raw: bytes, work: Work
    ) -> web.StreamResponse:
        """Answer a request as the faults of its route let it, and write the answer down."""
        fault = self.faults.take(f"/{request.path.split('/')[1]}")
        head, body = f"Authorization: {call.authorization}", raw.decode(errors="replace")
        response = await self.faults.carry_out(fault, request, work, head=head, body=body)
        if response is None:
            return web.Response()
        call.status, call.answer = response.status, json_or_text(response.text or "")
        self.changes.announce("answered", "")
        return response

    # ---- observing

    @property
    def requests(self) -> tuple[Call, ...]:
        """The latest requests, the oldest first, those without an answer too."""
        return tuple(self.call_log)

    @property
    def resumes(self) -> tuple[Resume, ...]:
        """The latest resumes that took effect, the oldest first."""
        return tuple(self.resume_log)

    @property
    def webhooks_sent(self) -> tuple[Sent, ...]:
        """The latest webhooks, the oldest first, recorded once answered or lost."""
        return tuple(self.sent_log)

    @property
    def notifications(self) -> tuple[Sent, ...]:
        """Those of `webhooks_sent` that announce a pause."""
        return tuple(sent for sent in self.sent_log if sent.kind == "human_input")

    @property
    def executions(self) -> tuple[Execution, ...]:
        """The executions it keeps, the oldest first."""
        return tuple(self.by_id.values())

    def execution(self, execution_id: str) -> Execution:
        """Return an execution. Raises KeyError when it is unknown or was dropped."""
        return self.by_id[execution_id]

    def add(self, execution: Execution) -> None:
        """Keep an execution; at the limit the oldest that has ended goes, or else the oldest."""
        while len(self.by_id) >= self.keep:
            ended = (known.id for known in self.by_id.values() if known.ended_at is not None)
            self.by_id.pop(next(ended, next(iter(self.by_id))))
        self.by_id[execution.id] = execution
        self.changes.announce("started", execution.id)

    async def until(self, condition: Callable[[], T], *, timeout: float | None = None) -> T:
        """Return once `condition()` is true; it is asked again whenever the crew changes."""
        return await self.changes.until(condition, timeout or self.patience)

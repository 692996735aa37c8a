"""A deployed crew as the demo and tests see it: its requests, webhooks and faults."""

import io
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from itertools import takewhile
from operator import attrgetter
from typing import Any, Final, Self, TypeVar

import aiohttp
from aiohttp import web

from crewgate.crew_api.wire import Address, Json, Resume, Urls
from crewgate.demo import changes, faults, servers
from crewgate.demo.crew.script import Sample, Task
from crewgate.demo.crew.wire import json_or_text, parse_object_or_nothing, text_of


class State(StrEnum):
    """The state of an execution, in CrewAI's words."""

    RUNNING = "running"
    PENDING = "Pending Human Input"
    COMPLETED = "completed"
    ERROR = "error"


@dataclass(slots=True, kw_only=True)
class Execution:
    """One kickoff. Only the engine changes it."""

    id: str
    inputs: Json
    meta: Json | None
    urls: Urls
    """The current webhook URLs: none while paused, then those of the resume."""
    human_input: Address | None
    script: Sequence[Task]
    started_at: float
    state: State = State.RUNNING
    position: int = 0
    """The number of tasks of the script that ended before the current ones."""
    done: set[str] = field(default_factory=set)
    """The current tasks that are done."""
    pending: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    feedbacks: dict[str, deque[str]] = field(default_factory=dict)
    error: str = ""
    ended_at: float | None = None

    @property
    def current(self) -> tuple[Task, ...]:
        """Return the script's tasks that run or wait side by side; none at the end."""
        rest = self.script[self.position :]
        return (*rest[:1], *takewhile(attrgetter("beside"), rest[1:]))

    def finish(self, task: Task) -> bool:
        """Note that a task is done; return True if the next tasks may begin."""
        self.done.add(task.task_id)
        if len(self.done) < len(self.current):
            return False
        self.position += len(self.current)
        self.done.clear()
        return True

    def knows(self, task_id: str) -> bool:
        return task_id in self.outputs or any(task.task_id == task_id for task in self.script)

    def progress(self, now: float) -> Json:
        """Return the answer to `/status`; CrewAI's schema reports a pause as `running`."""
        took = (self.ended_at or now) - self.started_at
        match self.state:
            case State.COMPLETED:
                tasks = [
                    {
                        "task_id": task_id,
                        "output": text_of(output),
                        "agent": task.agent if (task := self.task(task_id)) else "",
                        "execution_time": round(took / len(self.outputs), 3),
                    }
                    for task_id, output in self.outputs.items()
                ]
                result = {"output": tasks[-1]["output"] if tasks else "", "tasks": tasks}
                return {"status": "completed", "result": result, "execution_time": took}
            case State.ERROR:
                return {"status": "error", "error": self.error, "execution_time": took}
        running = [task.task_id for task in self.current if task.task_id not in self.done]
        done = self.position + len(self.done)
        return {
            "status": "running",
            "current_task": next(iter([*self.pending, *running]), ""),
            "progress": {"completed_tasks": done, "total_tasks": len(self.script)},
        }

    def task(self, task_id: str) -> Task | None:
        return next((task for task in self.script if task.task_id == task_id), None)


T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Call:
    """A request to the crew. `status` is None until there is an answer."""

    method: str
    path: str
    body: dict[str, Any]
    """The JSON object in the body; empty for anything else."""
    authorization: str = field(repr=False)
    at: float
    status: int | None = None
    answer: Any = None
    effective: bool = False
    query: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A sent webhook.

    `status` is None without an answer; `error` has the reason.
    """

    kind: str
    url: str
    body: dict[str, Any]
    """The JSON object in the body; empty for anything else."""
    _: KW_ONLY
    raw: bytes = field(default=b"", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None
    answer: str = ""
    error: str = ""
    at: float = 0
    """The time of the answer or of the loss."""


#: The longest time for a receiver's answer, in seconds; CrewAI names 30 s for flow webhooks.
TIMEOUT: Final = 30.0


class Deployment(ABC):
    """A deployed crew with records of its requests, webhooks and resumes."""

    most_bytes = 2**20
    """The longest body that is accepted."""
    samples: Sequence[Sample] = ()

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        token: str = "demo-crew-token",
        name: str = "research",
        task_seconds: float = 0,
    ) -> None:
        self.now = now
        self.token = token
        self.name = name
        self.human_input: Address | None = None
        """The human-input webhook of executions that are started without one."""
        self.task_seconds = task_seconds
        """The duration of each task, in seconds."""
        self.changes = changes.Changes()
        self.faults = faults.Faults(self.changes)
        """Faults by route; `/crewai_plus` is the flows' route."""
        self.call_log: list[Call] = []
        self.sent_log: list[Sent] = []
        self.resume_log: list[Resume] = []
        self.by_id: dict[str, Execution] = {}
        self._session: aiohttp.ClientSession | None = None
        self._server = servers.LocalServer(self.add_routes, most_bytes=self.most_bytes)

    # ---- the deployment's server

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the deployment's routes."""

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self, port: int = 0) -> None:
        # Each call opens a connection: a webhook lost on a stale one would not be sent again.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        )
        await self._server.start(port)

    async def stop(self) -> None:
        await self._server.stop()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def called(self, request: web.Request, raw: bytes) -> Call:
        call = Call(
            method=request.method,
            path=request.path,
            body=parse_object_or_nothing(raw),
            authorization=request.headers.get("Authorization", ""),
            at=self.now(),
            query=dict(request.query),
        )
        self.call_log.append(call)
        self.changes.announce("called", "")
        return call

    async def answer(
        self, request: web.Request, call: Call, work: faults.Work
    ) -> web.StreamResponse:
        """Answer a request with the faults of its route, and record the answer."""
        fault = self.faults.take(f"/{request.path.split('/')[1]}")
        response = await self.faults.carry_out(fault, request, work)
        if response is None:
            return web.Response()
        call.status, call.answer = response.status, json_or_text(response.text or "")
        self.changes.announce("answered", "")
        return response

    # ---- calls that the deployment makes

    async def call(
        self, method: str, url: str, raw: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, str, str]:
        """Call an address once; return status (None without an answer), text and error."""
        if self._session is None:
            return None, "", "the crew is not running"
        data = io.BytesIO(raw) if raw else None
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, (await answer.read()).decode(errors="replace"), ""
        except (aiohttp.ClientError, TimeoutError, OSError) as lost:
            return None, "", f"{type(lost).__name__}: {lost}"

    async def send(self, kind: str, url: str, raw: bytes, headers: Mapping[str, str]) -> Sent:
        status, answer, error = await self.call("POST", url, raw, headers)
        body = parse_object_or_nothing(raw)
        sent = Sent(
            kind,
            url,
            body,
            raw=raw,
            headers=dict(headers),
            status=status,
            answer=answer,
            error=error,
            at=self.now(),
        )
        self.sent_log.append(sent)
        self.changes.announce("sent", str(body.get("execution_id") or body.get("kickoff_id") or ""))
        return sent

    # ---- observing

    @property
    def requests(self) -> tuple[Call, ...]:
        return tuple(self.call_log)

    @property
    def resumes(self) -> tuple[Resume, ...]:
        return tuple(self.resume_log)

    @property
    def webhooks_sent(self) -> tuple[Sent, ...]:
        return tuple(self.sent_log)

    @property
    def executions(self) -> tuple[Execution, ...]:
        return tuple(self.by_id.values())

    def execution(self, execution_id: str) -> Execution:
        return self.by_id[execution_id]

    def add(self, execution: Execution) -> None:
        self.by_id[execution.id] = execution
        self.changes.announce("started", execution.id)

    async def until(self, condition: Callable[[], T], *, timeout: float = 30) -> T:
        """Return once `condition()` is true; it is called again whenever the crew changes."""
        return await self.changes.until(condition, timeout)

"""A deployed crew as the demo and tests see it: what came, what went, and the faults it has."""

import asyncio
import io
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Self, TypeVar

import aiohttp
from aiohttp import web

from crewgate.crew_api.wire import Address, Resume
from crewgate.demo.changes import Changes
from crewgate.demo.crew.execution import Execution
from crewgate.demo.crew.faults import ROUTES
from crewgate.demo.crew.records import BoundedLog, Call, Sent
from crewgate.demo.crew.samples import Sample
from crewgate.demo.crew.wire import Style, json_or_text, parse_object_or_nothing
from crewgate.demo.faults import Faults, Work
from crewgate.demo.local_server import LocalServer

T = TypeVar("T")

#: The longest that a receiver may take, in seconds; the vendor names 30 for its flow webhooks.
TIMEOUT: Final = 30.0


class Deployment(ABC):
    """One deployed crew; its parts write down here what happens. `keep` bounds each of its logs."""

    patience: float = 30
    """The time that `until` waits by default, in seconds."""
    most_bytes = 2**20
    """The longest body that is taken."""
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
        self._session: aiohttp.ClientSession | None = None
        self._server = LocalServer(self.add_routes, most_bytes=self.most_bytes)
        # Down, it refuses and drops connections; executions continue. It comes back on its port.
        self.go_down, self.come_back = self._server.stop, self._server.start

    # ---- its server

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the deployment's routes."""

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; 0 is any free port."""
        # Fresh connections: a webhook is never repeated, so none may be lost to a stale one.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        )
        await self._server.start(port)

    async def stop(self) -> None:
        """Stop everything; the logs stay readable."""
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

    # ---- its own calls

    async def call(
        self, method: str, url: str, raw: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, str, str]:
        """Call somebody once; return status, text and error. There is no status without answer."""
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
        """Send one webhook, once, and record its outcome."""
        await asyncio.sleep(self.webhook_seconds)
        status, answer, error = await self.call("POST", url, raw, headers)
        body = parse_object_or_nothing(raw)
        sent = Sent(kind, url, body, raw, dict(headers), status, answer, error, self.now())
        self.sent_log.append(sent, len(raw))
        self.changes.announce("sent", str(body.get("execution_id") or body.get("kickoff_id") or ""))
        return sent

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

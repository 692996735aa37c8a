"""One deployed crew: server, executions and webhooks, with controls and observations for tests."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Self

from crewgate.crew_api.wire import (
    Address,
    Json,
    Refusal,
    Resume,
    Urls,
    parse_kickoff,
    parse_resume,
    require_inputs,
)
from crewgate.demo.crew.engine import Engine
from crewgate.demo.crew.execution import Execution
from crewgate.demo.crew.faults import Fault
from crewgate.demo.crew.flows import PREFIX, Flows
from crewgate.demo.crew.records import Call, Change, Changes, Sent
from crewgate.demo.crew.script import SAMPLE, Task
from crewgate.demo.crew.server import Server
from crewgate.demo.crew.webhooks import WebhookSender
from crewgate.demo.crew.wire import Style, text_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence


class Crew:
    """One deployed crew. `keep` bounds each of its logs, in entries."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        token: str = "demo-crew-token",
        name: str = "research",
        script: Sequence[Task] = SAMPLE,
        inputs: Sequence[str] = ("topic",),
        task_seconds: float = 0,
        keep: int = 1_000,
    ) -> None:
        self.token = token
        self.name = name
        self.script = tuple(script)
        self.inputs = tuple(inputs)
        self.human_input: Address | None = None
        """The human-input webhook of executions that are started without one."""
        self._now = now
        self._changes = Changes(now)
        self._webhooks = WebhookSender(self._changes, keep=keep)
        self._engine = Engine(
            self._webhooks.send, self._changes, now=now, keep=keep, task_seconds=task_seconds
        )
        self.flows = Flows(self._webhooks.send, self._changes, now=now, name=name, keep=keep)
        self._server = Server(self._handle, self._changes, token=token, now=now, keep=keep)
        self._kickoffs = 0

    # Lifecycle

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; 0 lets the kernel choose the port."""
        self._webhooks.start()
        await self._server.start(port)

    async def stop(self) -> None:
        """Stop everything; the logs stay readable."""
        await self._engine.stop()
        await self._server.stop()
        await self._webhooks.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def go_down(self) -> None:
        """Refuse and drop connections from now on. Executions continue."""
        await self._server.stop()

    async def come_back(self) -> None:
        """Listen again, on the same port."""
        await self._server.start(self._server.port)

    @property
    def url(self) -> str:
        """The deployment's base URL."""
        return f"http://127.0.0.1:{self._server.port}"

    # Requests; each is carried out in one step, without awaiting

    def _handle(self, call: Call, segments: list[str], raw: bytes) -> object:
        match call.method, segments:
            case "GET", [""]:
                return "Healthy"
            case "GET", ["inputs"]:
                return {"inputs": list(self.inputs)}
            case "GET", ["status", execution_id]:
                return self._status(execution_id)
            case "POST", ["kickoff"]:
                answer: object = self._kickoff(raw)
            case "POST", ["resume"]:
                answer = self._engine.resume(parse_resume(raw))
            case "POST", [*prefix, request_id, "respond"] if tuple(prefix) == PREFIX:
                return self.flows.respond(request_id, call, raw)
            case _, [""] | ["inputs"] | ["status", _] | ["kickoff"] | ["resume"]:
                raise Refusal(405, "Method Not Allowed", "This route has another method")
            case _:
                raise Refusal.not_found("There is no such route")
        call.effective = True
        return answer

    def _kickoff(self, raw: bytes) -> Json:
        kickoff = parse_kickoff(raw)
        require_inputs(kickoff.inputs, self.inputs)
        execution_id = self.start_execution(
            kickoff.inputs, meta=kickoff.meta, urls=kickoff.urls, human_input=kickoff.human_input
        )
        return {"kickoff_id": execution_id}

    def _status(self, execution_id: str) -> Json:
        execution = self._engine.executions.get(execution_id)
        if execution is None and self.flows.knows(execution_id):
            return self.flows.status(execution_id)
        if execution is None:
            raise Refusal.not_found("Execution not found")
        return execution.progress(self._now())

    # Controlling executions without HTTP

    def start_execution(
        self,
        inputs: Mapping[str, object] | None = None,
        *,
        execution_id: str | None = None,
        meta: Json | None = None,
        urls: Urls | None = None,
        human_input: Address | None = None,
        scripted: bool = True,
    ) -> str:
        """Kick off without HTTP; returns the execution's id.

        With `scripted=False` no task starts by itself: call `pause`.
        """
        chosen = execution_id or self._new_id()
        execution = Execution(
            id=chosen,
            inputs=dict(inputs or {}),
            meta=meta,
            urls=urls or Urls(),
            human_input=human_input or self.human_input,
            script=self.script if scripted else (),
            started_at=self._now(),
        )
        self._engine.add(execution, scripted=scripted)
        return chosen

    def _new_id(self) -> str:
        """An id that looks like the vendor's, made without randomness."""
        self._kickoffs += 1
        seed = f"{self.name} {self._server.port} {self._now()} {self._kickoffs}"
        digest = hashlib.sha256(seed.encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[12:15]}-8{digest[15:18]}-{digest[18:30]}"

    async def pause(
        self,
        execution_id: str,
        task_id: str,
        output: object,
        *,
        style: Style | None = None,
    ) -> Sent:
        """Pause on any task and send the notification; an unknown execution is added first."""
        if execution_id not in self._engine.executions:
            self.start_execution(execution_id=execution_id, scripted=False)
        execution = self.execution(execution_id)
        return await self._engine.pause(execution, task_id, output, style or self.style)

    async def ask(
        self,
        flow_id: str = "f-1",
        method: str = "review_article",
        **of: Any,  # noqa: ANN401  # every field of a request
    ) -> Sent:
        """A flow pauses and asks; see `Flows.ask`."""
        return await self.flows.ask(self.url, flow_id, method, **of)

    def end(self, execution_id: str, error: str = "") -> None:
        """End an execution, completed or with an error."""
        self._engine.end(self.execution(execution_id), error)

    async def notify_raw(
        self, body: bytes | Json, headers: Mapping[str, str] | None = None, *, url: str = ""
    ) -> Sent:
        """Send any body to `url` or to `human_input`, with its credentials unless given `headers`.

        No execution changes.
        """
        webhook = self.human_input or Address(url)
        raw = body if isinstance(body, bytes) else text_of(body).encode("utf-8", "surrogatepass")
        chosen = {"Content-Type": "application/json", **webhook.headers}
        if headers is not None:
            chosen = dict(headers)
        return await self._webhooks.send("raw", url or webhook.url, raw, chosen)

    # Injecting faults

    def fail(self, route: str, *, how: Fault, times: int | None = 1) -> None:
        """Fail the next `times` requests to `/`, `/inputs`, `/kickoff`, `/status` or `/resume`.

        `/crewai_plus` is what takes flows' answers. None means until `clear()`. Faults of one
        route queue up.
        """
        self._server.faults.add(route, how, times)

    def clear(self, route: str | None = None) -> None:
        """Fail no more, on one route or on all."""
        self._server.faults.clear(route)

    def release(self) -> None:
        """Continue every request that hangs now."""
        self._server.faults.release()

    @property
    def faults_due(self) -> int:
        """How many faults are pending."""
        return self._server.faults.due

    # Observing

    @property
    def requests(self) -> tuple[Call, ...]:
        """The latest requests, the oldest first, those without an answer too."""
        return tuple(self._server.calls)

    @property
    def totals(self) -> tuple[int, int]:
        """How many requests came and how many webhooks were sent since the beginning."""
        return self._server.calls.total, self._webhooks.sent.total

    @property
    def resumes(self) -> tuple[Resume, ...]:
        """The latest resumes that took effect, the oldest first."""
        return tuple(self._engine.resumes)

    @property
    def webhooks_sent(self) -> tuple[Sent, ...]:
        """The latest webhooks, the oldest first, recorded once answered or lost."""
        return tuple(self._webhooks.sent)

    @property
    def notifications(self) -> tuple[Sent, ...]:
        """Those of `webhooks_sent` that announce a pause."""
        return tuple(sent for sent in self._webhooks.sent if sent.kind == "human_input")

    def execution(self, execution_id: str) -> Execution:
        """An execution. Raises KeyError when it is unknown or was dropped."""
        return self._engine.executions[execution_id]

    @property
    def executions(self) -> tuple[Execution, ...]:
        """The executions it keeps, the oldest first."""
        return tuple(self._engine.executions.values())

    async def until(self, condition: Callable[[], object], *, timeout: float = 5) -> None:
        """Return once `condition()` is true; it is asked again whenever the crew changes."""
        await self._changes.until(condition, timeout=timeout)

    def subscribe(self) -> asyncio.Queue[Change]:
        """Every change from now on, in a bounded queue; dropping the queue ends it."""
        return self._changes.subscribe()

    @property
    def style(self) -> Style:
        """The format of notifications."""
        return self._engine.style

    @style.setter
    def style(self, style: Style) -> None:
        self._engine.style = style

    @property
    def webhook_seconds(self) -> float:
        """How long each webhook is on its way, in seconds."""
        return self._webhooks.seconds

    @webhook_seconds.setter
    def webhook_seconds(self, seconds: float) -> None:
        self._webhooks.seconds = seconds

    @property
    def task_seconds(self) -> float:
        """How long each task takes, in seconds."""
        return self._engine.task_seconds

    @task_seconds.setter
    def task_seconds(self, seconds: float) -> None:
        self._engine.task_seconds = seconds

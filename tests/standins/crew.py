"""The stand-in crew with all that only tests need of CrewAI.

Every format of a notification and of a flow's request, pauses by hand, and requests that are not
CrewAI's.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from typing_extensions import override

from crewgate.crew_api.signature import sign
from crewgate.crew_api.wire import Address, FlowWebhook, Json, Resume, Urls
from crewgate.demo.crew import crew, engine, flows
from crewgate.demo.crew.deployment import Call, Deployment, Execution, Sent, State
from crewgate.demo.crew.flows import FlowRequest
from crewgate.demo.crew.script import SAMPLE, Sample, Task, TaskFailed
from crewgate.demo.crew.wire import text_of
from crewgate.demo.faults import DROP_AFTER, HANG, Fault
from tests.standins.changes import Change, Subscription
from tests.standins.faults import DROP_BEFORE, Echo, garbage, slow, status
from tests.standins.faults import repeat as echo

__all__ = [
    "DROP_AFTER",
    "DROP_BEFORE",
    "HANG",
    "SAMPLE",
    "Address",
    "Call",
    "Change",
    "Crew",
    "Deployment",
    "Echo",
    "Execution",
    "Fault",
    "FlowRequest",
    "FlowWebhook",
    "Resume",
    "Sent",
    "State",
    "Style",
    "Task",
    "TaskFailed",
    "Urls",
    "echo",
    "garbage",
    "notifications",
    "pause",
    "slow",
    "status",
]


class Style(StrEnum):
    """The format of a notification; the vendor's own pages differ."""

    REFERENCE = "reference"
    """The API reference: snake_case, and only the three documented fields."""
    CAMEL = "camel"
    """An older guide: camelCase."""
    RICH = "rich"
    """Public integrations: snake_case, with additional names and `meta`."""
    RAW = "raw"
    """The output as an object with `raw`."""


class Engine(engine.Engine):
    """Pauses with a notification in any format."""

    style = Style.RICH

    @override
    def notification(self, execution: Execution, task_id: str, output: object) -> Json:
        if self.style is Style.RICH:
            return super().notification(execution, task_id, output)
        if self.style is Style.CAMEL:
            return {"executionId": execution.id, "taskId": task_id, "taskOutput": output}
        if self.style is Style.RAW:
            output = {"raw": output if isinstance(output, str) else json.dumps(output)}
        return {"execution_id": execution.id, "task_id": task_id, "task_output": output}


class Flows(flows.Flows):
    """Flows that also ask in the documented format, ask again, and escalate."""

    nested = False
    """True for the documented shape and headers, False for the captured ones."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment)
        self.finished: set[str] = set()

    def token(self, request_id: str) -> str:
        return self._requests[request_id].token

    async def resend(self, request_id: str) -> Sent:
        return await self.send(self._requests[request_id])

    async def escalate(self, request_id: str, **changes: object) -> Sent:
        """Send the request again as an escalation, with these fields changed."""
        asked = self._requests[request_id]
        return await self.send(asked, event_type="escalation", **changes)

    @override
    async def send(self, asked: FlowRequest, **changes: object) -> Sent:
        if self.webhook is None or not self.nested:
            return await super().send(asked, **changes)
        raw = text_of(_nested(asked.body | changes)).encode("utf-8", "surrogatepass")
        signed = sign(self.webhook.secret, raw, at=self._crew.now())
        # The names on the vendor's page, which differ from those of its requests.
        signed = {name.replace("-CrewAI", ""): one for name, one in signed.items()}
        headers = {"Content-Type": "application/json", **signed}
        return await self._crew.send("flow", self.webhook.url, raw, headers)

    def knows(self, flow_id: str) -> bool:
        return any(asked.flow_id == flow_id for asked in self._requests.values())

    def status(self, flow_id: str) -> dict[str, Any]:
        if flow_id in self.finished:
            return {"status": "completed", "result": {"output": "Published."}}
        waits = any(
            asked.flow_id == flow_id and asked.feedback is None for asked in self._requests.values()
        )
        return {"status": "awaiting_human_feedback" if waits else "running"}

    def forget(self, request_id: str) -> None:
        del self._requests[request_id]


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    inner = ("id", "flow_id", "method_name", "message", "state", "metadata")
    request = {name: flat[name] for name in inner}
    return {
        "event": flat["event_type"],
        "request": {**request, "output": flat["output"], "emit_options": flat["emit"]},
        "deployment": {"id": flat["deployment_id"], "name": flat["deployment_name"]},
        "callback_url": flat["callback_url"],
        "assigned_to_email": flat["assigned_to_email"],
    }


def notifications(deployment: Deployment) -> tuple[Sent, ...]:
    """Return the webhooks that announced a pause."""
    return tuple(sent for sent in deployment.sent_log if sent.kind == "human_input")


async def pause(paused: crew.Crew, execution_id: str, task_id: str, output: object) -> Sent:
    """Pause on any task and send the notification; an unknown execution is added first."""
    if execution_id not in paused.by_id:
        paused.start_execution(execution_id=execution_id, scripted=False)
    return await paused.engine.pause(paused.execution(execution_id), task_id, output)


class Crew(crew.Crew):
    """A fake crew that runs a script, and pauses when a test says so."""

    flows: Flows
    engine: Engine

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,  # noqa: TID251  # a clock is an argument
        token: str = "demo-crew-token",
        name: str = "research",
        script: Sequence[Task] = SAMPLE,
        samples: Sequence[Sample] = (),
        inputs: Sequence[str] = ("topic",),
        task_seconds: float = 0,
    ) -> None:
        super().__init__(
            now=now,
            token=token,
            name=name,
            script=script,
            samples=samples,
            inputs=inputs,
            task_seconds=task_seconds,
        )
        self.flows = Flows(self)
        self.engine = Engine(self, self.flows)
        self.webhook_seconds: float = 0
        """The delay of each webhook, in seconds."""
        # Down, it refuses and drops connections; executions continue. It comes back on its port.
        self.go_down, self.come_back = self._server.stop, self._server.start
        self.fail, self.clear, self.release = (
            self.faults.fail,
            self.faults.clear,
            self.faults.release,
        )

    @override
    async def send(self, kind: str, url: str, raw: bytes, headers: Mapping[str, str]) -> Sent:
        await asyncio.sleep(self.webhook_seconds)  # noqa: TID251  # the soak asks for it
        return await super().send(kind, url, raw, headers)

    def subscribe(self, size: int = 256) -> Subscription:
        return Subscription(self.changes, size)

    @property
    def style(self) -> Style:
        """The format of notifications."""
        return self.engine.style

    @style.setter
    def style(self, style: Style) -> None:
        self.engine.style = style

    @property
    def notifications(self) -> tuple[Sent, ...]:
        """The webhooks that announce a pause."""
        return notifications(self)

    async def pause(self, execution_id: str, task_id: str, output: object) -> Sent:
        return await pause(self, execution_id, task_id, output)

    @override
    def _status(self, execution_id: str) -> Json:
        if execution_id not in self.by_id and self.flows.knows(execution_id):
            return self.flows.status(execution_id)
        return super()._status(execution_id)

    async def ask(self, flow_id: str = "f-1", method: str = "review_article", **of: Any) -> Sent:
        return await self.flows.ask(self.url, flow_id, method, **of)

    def end(self, execution_id: str, error: str = "") -> None:
        self.engine.end(self.execution(execution_id), error)

    async def notify_raw(
        self, body: bytes | Json, headers: Mapping[str, str] | None = None, *, url: str = ""
    ) -> Sent:
        """Send any body to `url`, else to `human_input`; `headers` replace the credentials.

        No execution changes.
        """
        webhook = self.human_input or Address(url)
        raw = body if isinstance(body, bytes) else text_of(body).encode("utf-8", "surrogatepass")
        chosen = {"Content-Type": "application/json", **webhook.headers}
        if headers is not None:
            chosen = dict(headers)
        return await self.send("raw", url or webhook.url, raw, chosen)

"""A crew of `crewgate host` as the demo's crew: the sample crew with the real CrewAI.

A proxy between the bot and the host records both directions, and fails on demand. It replaces the
addresses of webhooks with its own, so that webhooks pass through the proxy too.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web
from typing_extensions import override

from crewgate.crew_api.wire import Json, Refusal, Urls, parse_resume_of_host
from crewgate.demo.crew.deployment import Call, Deployment, Execution, State
from crewgate.demo.crew.script import SAMPLE
from crewgate.demo.crew.wire import json_or_text, parse_object_or_nothing
from crewgate.demo.servers import ServerProcess, free_port


class Progress:
    """The executions of the sample crew, with the script's names for tasks."""

    def __init__(self, crew: Deployment) -> None:
        self._crew = crew

    def kicked_off(self, body: Json, answer: object) -> None:
        if not isinstance(answer, dict) or "kickoff_id" not in answer:
            return
        execution = Execution(
            id=str(answer["kickoff_id"]),
            inputs=dict(body.get("inputs") or {}),
            meta=body.get("meta"),
            urls=Urls(),
            human_input=None,
            script=SAMPLE,
            started_at=self._crew.now(),
        )
        self._crew.add(execution)

    def resumed(self, raw: bytes) -> None:
        try:
            call = parse_resume_of_host(raw)
        except Refusal:
            return
        self._crew.resume_log.append(call)
        if execution := self._crew.by_id.get(call.execution_id):
            execution.state = State.RUNNING
            execution.pending.clear()
        self._crew.changes.announce("resumed", call.execution_id)

    def note_webhook(self, kind: str, body: Json) -> None:
        execution = self._crew.by_id.get(str(body.get("execution_id") or body.get("kickoff_id")))
        if execution is None:
            return
        match kind:
            case "human_input":
                task_id = _script_id(body.get("task_name"))
                execution.outputs[task_id] = body.get("task_output")
                execution.rounds[task_id] = execution.rounds.get(task_id, 0) + 1
                execution.position = _position(task_id)
                execution.state, execution.pending = State.PENDING, [task_id]
            case "task":
                task_id = _script_id(body.get("name"))
                execution.outputs[task_id] = body.get("output")
                execution.rounds.setdefault(task_id, 1)
                execution.position = max(execution.position, _position(task_id) + 1)
            case "crew":
                execution.state, execution.position = State.COMPLETED, len(SAMPLE)
                execution.ended_at = self._crew.now()
        self._crew.changes.announce("webhook", execution.id)


def _script_id(name: object) -> str:
    return next((task.task_id for task in SAMPLE if task.name == name), str(name))


def _position(task_id: str) -> int:
    return next((at for at, task in enumerate(SAMPLE) if task.task_id == task_id), 0)


#: With these variables CrewAI sends no telemetry or traces, asks nobody and stores no last run.
QUIET: Final = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TESTING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
}


class HostProcess(ServerProcess):
    """A process of `crewgate host`, whose database is in `folder`, which is also its HOME."""

    what = "The crew"
    start_seconds = 60  # importing crewai alone takes several seconds

    def __init__(
        self,
        python: str,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        port: int | None = None,
    ) -> None:
        port = port or free_port()
        super().__init__(
            [python, "-m", "crewgate", "host", *words, "--port", str(port)],
            environment={**QUIET, "HOME": str(folder), **environment},
            folder=folder,
            log="host.log",
            port=port,
        )


WEBHOOKS: Final = "webhooks"
_URLS: Final = {"task": "taskWebhookUrl", "step": "stepWebhookUrl", "crew": "crewWebhookUrl"}
_NOT_FOUND: Final = 404
_BAD_GATEWAY: Final = 502
SAMPLE_CREW: Final = "crewgate.demo.hosted.sample:crew"
TOKEN: Final = "demo-token-of-the-host"  # noqa: S105  # opens nothing


class Host(Protocol):
    """A `crewgate host` with one crew."""

    @property
    def url(self) -> str: ...

    async def start(self) -> None:
        """Start the host and wait until it is ready. Raises DidNotStart."""

    async def stop(self) -> object: ...


def sample_host(folder: Path, *, task_seconds: float) -> HostProcess:
    return HostProcess(
        sys.executable,
        [SAMPLE_CREW],
        folder=folder,
        environment={"CREW_TOKEN": TOKEN, "CREWGATE_SAMPLE_SECONDS": str(task_seconds)},
    )


class HostedCrew(Deployment):
    """A crew of a host behind a proxy, shown with the tasks of the stand-in crew."""

    most_bytes = 2**23

    def __init__(
        self, host: Host, *, now: Callable[[], float] = time.time, task_seconds: float = 0
    ) -> None:
        super().__init__(now=now, token=TOKEN, task_seconds=task_seconds)
        self._host = host
        self._progress = Progress(self)
        self._addresses: list[str] = []
        """The real addresses of webhooks, by number; empty for none."""

    @property
    def about(self) -> str:
        version = metadata.version("crewai")
        return f"The real CrewAI {version}, with a model that answers from a script."

    @override
    async def start(self, port: int = 0) -> None:
        await self._host.start()
        await super().start(port)

    @override
    async def stop(self) -> None:
        await super().stop()
        await self._host.stop()

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", f"/{WEBHOOKS}/{{kind}}/{{number}}", self._webhook)
        router.add_route("*", "/{path:.*}", self._request)

    # ---- requests that the bot sends to the host

    async def _request(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call = self.called(request, raw)
        return await self.answer(request, call, lambda: self._pass_on(call, raw))

    async def _pass_on(self, call: Call, raw: bytes) -> web.Response:
        headers = {"Authorization": call.authorization, "Content-Type": "application/json"}
        changes_state = call.path in {"/kickoff", "/resume"}
        body = json.dumps(self._through_here(call.body)).encode() if changes_state else raw
        url = f"{self._host.url}{call.path}"
        status, answer, error = await self.call(call.method, url, body, headers)
        content = json_or_text(answer)
        if changes_state and status == 200:  # noqa: PLR2004
            call.effective = True
            if call.path == "/kickoff":
                self._progress.kicked_off(call.body, content)
            else:
                self._progress.resumed(raw)
        content_type = "text/plain" if isinstance(content, str) else "application/json"
        return web.Response(
            text=error or answer, status=status or _BAD_GATEWAY, content_type=content_type
        )

    def _through_here(self, body: Json) -> Json:
        """Return a kickoff or a resume with this proxy's addresses in place of its webhooks'."""
        changed = dict(body)
        for kind, name in _URLS.items():
            changed[name] = self._address(kind, body.get(name))
        match body.get("humanInputWebhook"):
            case {"url": str(url), **rest}:
                changed["humanInputWebhook"] = {**rest, "url": self._address("human_input", url)}
        return changed

    def _address(self, kind: str, url: object) -> str:
        self._addresses.append(url if isinstance(url, str) else "")
        return f"{self.url}/{WEBHOOKS}/{kind}/{len(self._addresses) - 1}"

    # ---- webhooks that the host sends to the addresses of a kickoff or resume

    async def _webhook(self, request: web.Request) -> web.Response:
        kind, number = request.match_info["kind"], request.match_info["number"]
        raw = await request.read()
        body = parse_object_or_nothing(raw)
        if not number.isdecimal() or int(number) >= len(self._addresses):
            return web.json_response({}, status=_NOT_FOUND)
        url = self._addresses[int(number)]
        headers = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in request.headers
        }
        self._progress.note_webhook(kind, body)
        if not url:
            return web.json_response({})
        sent = await self.send(kind, url, raw, headers)
        return web.Response(text=sent.error or sent.answer, status=sent.status or _BAD_GATEWAY)

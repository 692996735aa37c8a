"""The stand-in crew: its server, executions and webhooks."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from aiohttp import web
from typing_extensions import override

from crewgate.crew_api import wire
from crewgate.demo.crew import deployment, engine, flows
from crewgate.demo.crew.script import SAMPLE, Sample, Task


class Crew(deployment.Deployment):
    """A stand-in crew that runs a script."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        token: str = "demo-crew-token",
        name: str = "research",
        script: Sequence[Task] = SAMPLE,
        samples: Sequence[Sample] = (),
        inputs: Sequence[str] = ("topic",),
        task_seconds: float = 0,
    ) -> None:
        super().__init__(now=now, token=token, name=name, task_seconds=task_seconds)
        self.script = tuple(script)
        self.samples = samples
        self.inputs = tuple(inputs)
        self.flows = flows.Flows(self)
        self.engine = engine.Engine(self, self.flows)
        self._kickoffs = 0

    @override
    async def stop(self) -> None:
        await self.engine.stop()
        await super().stop()

    # ---- requests: each request is carried out in one step, without awaiting

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", "/{path:.*}", self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call = self.called(request, raw)
        # The path is read undecoded, so that an id with a slash in it stays one segment.
        segments = [unquote(part) for part in request.rel_url.raw_path.split("/")[1:]]

        async def work() -> web.Response:
            return self._answer(call, segments, raw)

        return await self.answer(request, call, work)

    def _answer(self, call: deployment.Call, segments: list[str], raw: bytes) -> web.Response:
        try:
            # The address of a flow's answer has a token of its own in place of the crew's.
            if segments != [""] and segments[0] != flows.PREFIX[0]:
                self._check_token(call)
            answer = self._handle(call, segments, raw)
        except wire.Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        if isinstance(answer, str):
            return web.Response(text=answer)
        return web.json_response(answer)

    def _check_token(self, call: deployment.Call) -> None:
        wanted = f"Bearer {self.token}".encode()
        if not hmac.compare_digest(call.authorization.encode(errors="replace"), wanted):
            raise wire.Refusal(401, "Unauthorized", "Invalid or missing bearer token")

    def _handle(self, call: deployment.Call, segments: list[str], raw: bytes) -> object:
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
                # The demo's samples show edited outputs and arguments, which only `crewgate host`
                # takes.
                parse = wire.parse_resume_of_host if self.samples else wire.parse_resume
                answer = self.engine.resume(parse(raw))
            case "POST", [*prefix, request_id, "respond"] if tuple(prefix) == flows.PREFIX:
                return self.flows.respond(request_id, call, raw)
            case _, [""] | ["inputs"] | ["status", _] | ["kickoff"] | ["resume"]:
                raise wire.Refusal(405, "Method Not Allowed", "This route has another method")
            case _:
                raise wire.Refusal.not_found("There is no such route")
        call.effective = True
        return answer

    def _kickoff(self, raw: bytes) -> wire.Json:
        kickoff = wire.parse_kickoff(raw)
        wire.require_inputs(kickoff.inputs, self.inputs)
        execution_id = self.start_execution(
            kickoff.inputs, meta=kickoff.meta, urls=kickoff.urls, human_input=kickoff.human_input
        )
        return {"kickoff_id": execution_id}

    def _status(self, execution_id: str) -> wire.Json:
        execution = self.by_id.get(execution_id)
        if execution is None:
            raise wire.Refusal.not_found("Execution not found")
        return execution.progress(self.now())

    # ---- control of executions without HTTP

    def start_execution(
        self,
        inputs: Mapping[str, object] | None = None,
        *,
        execution_id: str | None = None,
        meta: wire.Json | None = None,
        urls: wire.Urls | None = None,
        human_input: wire.Address | None = None,
        scripted: bool = True,
    ) -> str:
        """Kick off without HTTP; return the execution's id.

        With `scripted=False` no task starts by itself: call `engine.pause`.
        """
        chosen, topic = execution_id or self._new_id(), (inputs or {}).get("topic")
        scripts = ((one.task,) for one in self.samples if one.topic == topic)
        execution = deployment.Execution(
            id=chosen,
            inputs=dict(inputs or {}),
            meta=meta,
            urls=urls or wire.Urls(),
            human_input=human_input or self.human_input,
            script=next(scripts, self.script) if scripted else (),
            started_at=self.now(),
        )
        self.engine.add(execution)
        return chosen

    def _new_id(self) -> str:
        self._kickoffs += 1
        seed = f"{self.name} {self.url} {self.now()} {self._kickoffs}"
        digest = hashlib.sha256(seed.encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[12:15]}-8{digest[15:18]}-{digest[18:30]}"

"""Crews of other kinds: one that takes a person's own text, as `crewgate host` does, and flows."""

import json
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from typing_extensions import override

from crewgate.crew_api.signature import sign
from crewgate.crew_api.wire import Json, parse_resume_of_host
from tests.standins.crew import Call, Crew, Sent

_EACH = 3


def is_host(crew: str) -> bool:
    """Return True if the crew of this name takes texts."""
    return int(crew.removeprefix("crew")) % _EACH == 1


def is_flow(crew: str) -> bool:
    """Return True if the crew of this name asks as a flow does."""
    return int(crew.removeprefix("crew")) % (2 * _EACH) == _EACH


class Asking(Crew):
    """A crew whose flows' questions are fresh by the clock of the bots' machine, which steps."""

    steps: Sequence[float] = (0,)
    """By how many seconds that clock was ahead, one after another."""

    @override
    async def send(self, kind: str, url: str, raw: bytes, headers: Mapping[str, str]) -> Sent:
        assert self.flows.webhook is not None
        # Again, for the clock may have stepped on the way.
        for _ in range(2):
            if kind == "flow":
                secret, at = self.flows.webhook.secret, time.time() + self.steps[-1]
                headers = {**headers, **sign(secret, raw, at=at)}
            sent = await super().send(kind, url, raw, headers)
            if sent.status != HTTPStatus.UNAUTHORIZED:
                break
        return sent


class Host(Crew):
    """A crew that says what it takes, and answers a decision that comes again as before."""

    _answers: dict[str, Json] | None = None

    @override
    async def send(self, kind: str, url: str, raw: bytes, headers: Mapping[str, str]) -> Sent:
        if kind == "human_input":
            body = json.loads(raw)
            execution_id, task_id = body["execution_id"], body["task_id"]
            body |= {
                "pause_id": f"{task_id} {self.execution(execution_id).rounds[task_id]}",
                "resume_extensions": ["edited", "idempotency_key"],
            }
            raw = json.dumps(body).encode()
        return await super().send(kind, url, raw, headers)

    @override
    def _handle(self, call: Call, segments: list[str], raw: bytes) -> object:
        if (call.method, segments) != ("POST", ["resume"]):
            return super()._handle(call, segments, raw)
        self._answers = self._answers or {}
        resume = parse_resume_of_host(raw)
        if resume.key in self._answers:
            return self._answers[resume.key]
        answer = self.engine.resume(resume)
        call.effective = True
        if resume.edited is not None and resume.is_approve:
            self.execution(resume.execution_id).outputs[resume.task_id] = resume.edited
        if resume.key is not None:
            self._answers[resume.key] = answer
        return answer

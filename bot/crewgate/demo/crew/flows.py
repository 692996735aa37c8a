"""Flows of the stand-in: a method pauses, asks by a signed webhook, and takes one answer.

The request names the address for the answer, with a token that counts once.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from crewgate.crew_api.signature import sign
from crewgate.crew_api.wire import FlowWebhook, Refusal
from crewgate.demo.crew.deployment import Call, Deployment, Sent
from crewgate.demo.crew.wire import parse_object_or_nothing, text_of

#: The beginning of the path to which a flow's answer is sent, as at CrewAI.
PREFIX = ("crewai_plus", "api", "v1", "human_feedback_requests")


@dataclass(slots=True)
class FlowRequest:
    """A request for people's answer, and the answer."""

    id: str
    flow_id: str
    method: str
    _: KW_ONLY
    emit: tuple[str, ...]
    token: str = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    feedback: str | None = None
    outcome: str | None = None
    via: str = ""


class Flows:
    """The flows of one deployment."""

    def __init__(self, crew: Deployment) -> None:
        self.webhook: FlowWebhook | None = None
        self.answers = list[FlowRequest]()
        """The answered requests, in the order of their answers."""
        self.on_answer: Callable[[FlowRequest], None] = lambda _: None
        self._crew = crew
        self._requests: dict[str, FlowRequest] = {}

    async def ask(
        self,
        base: str,
        flow_id: str,
        method: str,
        *,
        message: str = "Please review this.",
        output: object = "A draft.",
        emit: Sequence[str] = ("approved", "rejected", "needs_revision"),
        assigned: str | None = "reviewer@example.com",
        request_id: str = "",
        **more: object,
    ) -> Sent:
        """Pause and send the request; `more` are further fields of it."""
        number = len(self._requests) + 1
        request_id = request_id or str(8_400 + number)
        seed = f"{self._crew.name} {flow_id} {request_id} {self._crew.now()}"
        token = hashlib.sha256(seed.encode()).hexdigest()[:32]
        path = "/".join((*PREFIX, request_id, "respond"))
        body = {
            "event_type": "new_request",
            "id": request_id,
            "status": "pending",
            "flow_id": flow_id,
            "flow_class": "ContentFlow",
            "method_name": method,
            "message": message,
            "output": output,
            "emit": list(emit),
            "state": {"id": flow_id, "topic": "home batteries"},
            "metadata": {},
            "callback_url": f"{base}/{path}?token={token}",
            "response_token": token,
            "deployment_id": 12,
            "deployment_name": self._crew.name,
            "assigned_to_email": assigned,
            **more,
        }
        asked = FlowRequest(request_id, flow_id, method, emit=tuple(emit), token=token, body=body)
        self._requests[request_id] = asked
        self._crew.changes.announce("asked", flow_id)
        return await self.send(asked)

    async def send(self, asked: FlowRequest, **changes: object) -> Sent:
        """Send a request, signed. Raises ValueError if no webhook is set."""
        if self.webhook is None:
            message = "the flows have no webhook"
            raise ValueError(message)
        body = asked.body | changes
        raw = text_of(body).encode("utf-8", "surrogatepass")
        signed = sign(self.webhook.secret, raw, at=self._crew.now())
        headers = {"Content-Type": "application/json", **signed}
        return await self._crew.send("flow", self.webhook.url, raw, headers)

    def respond(self, request_id: str, call: Call, raw: bytes) -> dict[str, Any]:
        """Accept an answer, once. Raises Refusal."""
        asked = self._requests.get(request_id)
        if asked is None:
            raise Refusal(404, "not_found", "There is no such request")
        if call.query.get("token") != asked.token:
            raise Refusal(401, "unauthorized", "Invalid token")
        if asked.feedback is not None:
            raise Refusal(409, "already_responded", f"This was answered via {asked.via}")
        body = parse_object_or_nothing(raw)
        feedback, source = body.get("feedback"), body.get("source")
        if not isinstance(feedback, str) or not feedback:
            raise Refusal(422, "unprocessable_entity", "feedback is required")
        self.answer(request_id, feedback, via=str(source))
        call.effective = True
        return {
            "status": "accepted",
            "request": {
                "id": asked.id,
                "status": "responded",
                "feedback": asked.feedback,
                "outcome": asked.outcome,
                "responded_via": asked.via,
            },
        }

    def answer(self, request_id: str, feedback: str, *, via: str = "dashboard") -> None:
        """Answer a request without HTTP, by an outcome or by words that name an outcome."""
        asked = self._requests[request_id]
        asked.feedback, asked.via = feedback, via
        named = (label for label in asked.emit if label.lower() in feedback.lower())
        chosen = feedback if feedback in asked.emit else next(named, next(iter(asked.emit), None))
        asked.outcome = chosen
        self.answers.append(asked)
        self._crew.changes.announce("flow_answered", asked.flow_id)
        self.on_answer(asked)

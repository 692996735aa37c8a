"""A flow's question as the request that CrewAI AMP sends: the flat shape, as it is captured."""

from __future__ import annotations

from datetime import UTC, datetime

from crewgate.host import bodies
from crewgate.host.context import Shared
from crewgate.host.records import Execution, Webhook
from crewgate.host.target import Asked


def question_webhooks(
    execution: Execution, asked: Asked, shared: Shared, *, question_id: str, token: str, at: float
) -> list[Webhook]:
    """The request, to be signed when it is sent, and the event of the stream."""
    told = {"request_id": question_id, "method_name": asked.method}
    events = bodies.event(execution, "human_feedback_requested", told)
    if shared.flow_webhook is None:
        return events
    body = {
        "event_type": "new_request",
        "id": question_id,
        "status": "pending",
        "flow_id": execution.id,
        "flow_class": asked.flow_class,
        "method_name": asked.method,
        "message": asked.message,
        "output": asked.output,
        "emit": list(asked.emit),
        "state": asked.pending.get("state"),
        "metadata": asked.metadata,
        "created_at": datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z"),
        "callback_url": f"{shared.url}/human_feedback_requests/{question_id}/respond?token={token}",
        "response_token": token,
        "deployment_id": execution.target,
        "deployment_name": execution.target,
    }
    url = shared.flow_webhook.url.replace("{name}", execution.target)
    return [Webhook("flow", url, body, about=question_id), *events]

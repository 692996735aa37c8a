"""Bodies of the webhooks that the host sends, in the vendor's names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crewgate.crew_api.wire import EDITED, KEY, Json
from crewgate.host.records import Asked, Execution, Webhook


def task_webhooks(execution: Execution, task_id: str, output: Mapping[str, Any]) -> list[Webhook]:
    body = {
        "description": output["description"],
        "name": output["name"],
        "expected_output": output["expected_output"],
        "summary": output["summary"],
        "agent": output["agent"],
        "output": output["raw"],
        "output_json": output["json"],
        "task_id": task_id,
    }
    return [
        *_to_url("task", execution, execution.kickoff.urls.task, body),
        *event(execution, "task_completed", {"task_id": task_id, "name": output["name"]}),
    ]


def step_webhooks(execution: Execution, step: Json) -> list[Webhook]:
    return _to_url("step", execution, execution.kickoff.urls.step, step)


def end_webhooks(execution: Execution, result: str, more: Json) -> list[Webhook]:
    return _to_url("crew", execution, execution.kickoff.urls.crew, {"result": result, **more})


def human_input_webhooks(
    execution: Execution, task_id: str, number: int, body: Json
) -> list[Webhook]:
    """Return the notification of a task's pause of this number, which may be sent repeatedly."""
    address = execution.kickoff.human_input
    if address is None:
        return []
    told = {"execution_id": execution.id, "task_id": task_id, **body, **_meta(execution)}
    told["pause_id"] = f"{task_id} {number}"
    # The fields of a model cannot be any text, and a question is answered in words.
    takes_edits = isinstance(body.get("task_output"), str) and "ask" not in body
    told["resume_extensions"] = [EDITED, KEY] if takes_edits else [KEY]
    return [Webhook("human_input", address.url, told, address.headers, about=task_id)]


def question_webhooks(
    execution: Execution, asked: Asked, question_id: str, *, url: str | None, told: Json
) -> list[Webhook]:
    """Return the request that CrewAI AMP sends, in its flat shape, and the event of the stream.

    `told` is where and when it is answered. What `Flow.ask()` asks has `ask` besides. The request
    is signed when it is sent; without a `url` there is none.
    """
    kind = "human_feedback_requested" if asked.place is None else "flow_input_requested"
    events = event(execution, kind, {"request_id": question_id, "method_name": asked.method})
    if url is None:
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
        **told,
        "deployment_id": execution.target,
        "deployment_name": execution.target,
    }
    if asked.place is not None:
        expires = None if asked.expires_at is None else iso(asked.expires_at)
        body["ask"] = {"place": asked.place, "expires_at": expires}
    return [Webhook("flow", url, body, about=question_id), *events]


def iso(at: float) -> str:
    """Return a moment as the vendor writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def event(execution: Execution, kind: str, told: Json) -> list[Webhook]:
    """Return an event of the stream, if the kickoff asked for its type."""
    stream = execution.kickoff.stream
    if stream is None or kind not in execution.kickoff.events:
        return []
    body = {"execution_id": execution.id, "type": kind, "data": {**told, **_meta(execution)}}
    return [Webhook("stream", stream.url, body, stream.headers)]


def _to_url(kind: str, execution: Execution, url: str | None, body: Json) -> list[Webhook]:
    if url is None:
        return []
    return [Webhook(kind, url, {**body, "kickoff_id": execution.id, **_meta(execution)})]


def _meta(execution: Execution) -> Json:
    return {} if execution.kickoff.meta is None else {"meta": execution.kickoff.meta}

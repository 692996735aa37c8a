"""The crew's executions, requests and webhooks as flat JSON for the page."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from crewgate.demo.crew import Call, Deployment, Execution, Sent, State, Task
from crewgate.demo.crew.wire import text_of
from crewgate.demo.playground.markdown import markdown

TRAFFIC_SHOWN: Final = 80
"""The most requests, and the most webhooks, that the page shows."""
EXECUTIONS_SHOWN: Final = 12
_BODY_SHOWN: Final = 6_000
"""Characters of a body that the page shows."""


def crew_state(crew: Deployment) -> Iterator[tuple[str, str]]:
    """Key and JSON of executions, requests and webhooks; their numbers keep counting up."""
    for number, execution in enumerate(crew.executions[-EXECUTIONS_SHOWN:]):
        yield f"execution/{execution.id}", _json({"number": number, **_execution(execution)})
    requests, webhooks = crew.call_log.total, crew.sent_log.total
    calls, sent = crew.requests[-TRAFFIC_SHOWN:], crew.webhooks_sent[-TRAFFIC_SHOWN:]
    for number, call in zip(count(requests - len(calls)), calls, strict=False):
        yield f"traffic/request-{number}", _json(_request(call))
    for number, one in zip(count(webhooks - len(sent)), sent, strict=False):
        yield f"traffic/webhook-{number}", _json(_webhook(one))


def _execution(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.id,
        "topic": str(execution.inputs.get("topic", "")),
        "state": execution.state.name.lower(),
        "error": execution.error,
        "started": execution.started_at,
        "tasks": [_task(execution, task, at) for at, task in enumerate(execution.script)],
    }


def _task(execution: Execution, task: Task, at: int) -> dict[str, Any]:
    output = execution.outputs.get(task.task_id)
    return {
        "id": task.task_id,
        "name": task.name,
        "agent": task.agent,
        "review": task.needs_review,
        "state": _task_state(execution, task, at),
        "rounds": execution.rounds.get(task.task_id, 0),
        "html": "" if output is None else markdown(text_of(output)),
    }


def _task_state(execution: Execution, task: Task, at: int) -> str:
    if at < execution.position or task.task_id in execution.done:
        return "done"
    if task not in execution.current:
        return "to do"
    if task.task_id in execution.pending:
        return "paused"
    return "failed" if execution.state is State.ERROR else "running"


def _request(call: Call) -> dict[str, Any]:
    return {
        "kind": "request",
        "title": f"{call.method} {call.path}",
        "at": call.at,
        "status": call.status,
        "effective": call.effective,
        "body": _pretty(call.body),
        "answer": _pretty(call.answer),
    }


def _webhook(sent: Sent) -> dict[str, Any]:
    return {
        "kind": "webhook",
        "title": sent.kind,
        "at": sent.at,
        "url": sent.url,
        "status": sent.status,
        "error": sent.error,
        "body": _pretty(sent.body),
        "answer": sent.answer[:_BODY_SHOWN],
    }


def _pretty(value: object) -> str:
    if value in (None, "", {}):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= _BODY_SHOWN else f"{text[:_BODY_SHOWN]}\n… {len(text):,} in all"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""The bodies of the stand-in crew's notifications, in the formats of CrewAI's own pages."""

import json
from typing import Any

from crewgate.crew_api.wire import Json
from crewgate.demo.crew.script import Task, Tool


def notification(
    execution_id: str, task_id: str, output: object, *, task: Task | None, meta: object = None
) -> Json:
    """Return a notification as public integrations have it: in snake_case, with `meta`."""
    body: Json = {"execution_id": execution_id, "task_id": task_id, "task_output": output}
    if task is not None:
        body |= {
            "task_name": task.name,
            "task_description": task.description,
            "expected_output": task.expected_output,
            "agent": task.agent,
        }
    return body if meta is None else body | {"meta": meta}


def call_of(task: Task, tool: Tool, arguments: object) -> Json:
    """Return the fields about a tool call in a notification of `crewgate host`."""
    call = {"tool": tool.name, "arguments": arguments, "agent": task.agent, "task": task.name}
    return {
        "task_output": text_of(arguments),
        "task_name": task.name,
        "agent": task.agent,
        "tool_call": {**call, "may_have_run": False, "schema": tool.schema},
        "resume_extensions": ["arguments"],
    }


def text_of(output: object) -> str:
    """Return an output as text, as in CrewAI's webhooks and results."""
    return output if isinstance(output, str) else json.dumps(output, indent=2, ensure_ascii=False)


def json_or_text(text: str | bytes) -> Any:  # noqa: ANN401  # it is JSON
    """Return the JSON in a text, or the text; for logs only."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def parse_object_or_nothing(raw: bytes) -> Json:
    """Return the JSON object in `raw`, or an empty one; for logs only."""
    body = json_or_text(raw)
    return body if isinstance(body, dict) else {}

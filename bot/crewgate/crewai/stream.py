"""The event stream: what is asked for at kickoff, and the batches that come."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import AliasChoices, AliasPath, Field, ValidationError

from crewgate.crewai.fields import Id, Lenient, Text, Tokens, Wire, one_line, parse_object
from crewgate.crewai.outputs import find_output, is_empty_output
from crewgate.crewai.payloads import Words
from crewgate.crewai.wire import authentication_body
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import HumanInputWebhook, Output
from crewgate.domain.stream import (
    LONG_AGO,
    EventBody,
    Failed,
    FeedbackReceived,
    Finished,
    MethodFinished,
    StreamEvent,
    TaskFinished,
    TaskStarted,
)


class _Data(Wire):
    """The fields of events, under the documented names and the library's."""

    task: Text = Field(
        None,
        validation_alias=AliasChoices("task_name", AliasPath("task", "name"), "name", "task_id"),
    )
    method: Text = Field(None, validation_alias=AliasChoices("method_name", "method"))
    agent: Text = Field(
        None, validation_alias=AliasChoices("agent_role", AliasPath("agent", "role"), "agent")
    )
    summary: Text = Field(
        None, validation_alias=AliasChoices("summary", AliasPath("output", "summary"))
    )
    error: Words = ""
    tokens: Lenient[Tokens] = Field(None, validation_alias=AliasChoices("total_tokens"))
    request_id: Lenient[Id] = None
    state_id: Lenient[Id] = Field(None, validation_alias=AliasPath("state", "id"))


class _Event(Wire):
    id: Lenient[Id] = None
    execution_id: Id = Field(validation_alias=AliasChoices("execution_id", "kickoff_id"))
    timestamp: object = None
    type: str


Read = Callable[[_Data, Mapping[str, object]], EventBody | None]


def _started(data: _Data, _: Mapping[str, object]) -> EventBody | None:
    name = data.method or data.task
    return TaskStarted(one_line(name)) if name else None


def _task_finished(data: _Data, _: Mapping[str, object]) -> EventBody | None:
    return TaskFinished(one_line(data.task or "a task"), one_line(data.summary or ""), data.agent)


def _method_finished(data: _Data, _: Mapping[str, object]) -> EventBody | None:
    return MethodFinished(one_line(data.method)) if data.method else None


def _finished(data: _Data, fields: Mapping[str, object]) -> EventBody | None:
    return Finished(_result(fields), data.tokens)


def _failed(data: _Data, _: Mapping[str, object]) -> EventBody | None:
    return Failed(data.error)


def _feedback(data: _Data, _: Mapping[str, object]) -> EventBody | None:
    return FeedbackReceived(data.request_id) if data.request_id else None


def _nothing(_data: _Data, _fields: Mapping[str, object]) -> EventBody | None:
    return None


_OF_CREWS: Final[Mapping[str, Read]] = {
    "crew_kickoff_completed": _finished,
    "crew_kickoff_failed": _failed,
    "task_started": _started,
    "task_completed": _task_finished,
}
_OF_FLOWS: Final[Mapping[str, Read]] = {
    "flow_created": _nothing,
    "flow_started": _nothing,
    "flow_paused": _nothing,
    "flow_finished": _finished,
    "flow_failed": _failed,
    "method_execution_started": _started,
    "method_execution_finished": _method_finished,
    "method_execution_paused": _nothing,
    "human_feedback_requested": _nothing,
    "human_feedback_received": _feedback,
}
#: The types asked for at a kickoff. The library's own types are only read where they come.
ASKED_FOR: Final = (
    "crew_kickoff_started",
    "crew_kickoff_completed",
    "crew_kickoff_failed",
    "task_started",
    "task_completed",
    "task_failed",
    "flow_started",
    "flow_finished",
    "method_execution_started",
    "method_execution_finished",
    "method_execution_failed",
)


def stream_body(stream: HumanInputWebhook) -> dict[str, object]:
    """Return the `webhooks` object of a kickoff that asks for events."""
    return {
        "events": list(ASKED_FOR),
        "url": stream.url,
        "realtime": False,
        "authentication": authentication_body(stream),
    }


def parse_events(body: bytes) -> tuple[StreamEvent, ...]:
    """Read the events of a batch, in the order they happened.

    An event that cannot be read is left out, and so is one of an unknown type. Raises Malformed if
    it is no batch.
    """
    events = parse_object(body).get("events")
    if not isinstance(events, list):
        raise Malformed("the batch has no events", ["events must be a list"])
    return tuple(sorted(_read_all(events), key=lambda event: event.at))


def _read_all(events: list[object]) -> Iterator[StreamEvent]:
    for fields in events:
        if isinstance(fields, dict) and (event := _read(fields)) is not None:
            yield event


def _read(fields: dict[str, object]) -> StreamEvent | None:
    try:
        wire = _Event.model_validate(fields)
    except ValidationError:
        return None
    of_flow = wire.type in _OF_FLOWS
    read = _OF_FLOWS.get(wire.type) or _OF_CREWS.get(wire.type)
    if read is None:
        return None
    found = fields.get("data")
    data = found if isinstance(found, dict) else {}
    known = _Data.model_validate({name: value for name, value in data.items() if value is not None})
    return StreamEvent(
        id=wire.id or _digest(fields),
        # The execution of a flow gets another id after a pause; its state keeps the first one.
        execution_id=(known.state_id if of_flow else None) or wire.execution_id,
        at=_at(wire.timestamp),
        of_flow=of_flow,
        body=read(known, data),
    )


def _result(data: Mapping[str, object]) -> Output | None:
    try:
        found = find_output(data, ("output", "result"), known=frozenset(data))
    except Malformed:
        return None
    return found if found is not None and not is_empty_output(found.text) else None


def _at(timestamp: object) -> datetime:
    """Read ISO 8601, or seconds since 1970; LONG_AGO for anything else."""
    try:
        match timestamp:
            case str():
                at = datetime.fromisoformat(timestamp)
            case int() | float():
                at = datetime.fromtimestamp(timestamp, UTC)
            case _:
                return LONG_AGO
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return LONG_AGO


def _digest(fields: Mapping[str, object]) -> str:
    """Return a name for an event that has no id: the same each time it comes."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

"""The request that a flow on CrewAI AMP sends when it pauses under `@human_feedback`.

Two shapes exist: CrewAI's page documents a nested `request` with `emit_options`; the real
requests are flat, with `emit`. Both are read. `crewgate host` adds `ask` for `Flow.ask()`,
`rewritten` and, to a question about a lesson, `drawn_from`; AMP does not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from pydantic import AliasChoices, AliasPath, Field, TypeAdapter, ValidationError

from crewgate.crewai import fields
from crewgate.crewai.given import read_given
from crewgate.crewai.outputs import (
    is_empty_output,
    read_output,
    read_without_credentials,
    with_erased,
)
from crewgate.crewai.wire import OUTCOMES, AskWire, can_be_offered
from crewgate.domain import notification
from crewgate.domain.errors import Malformed
from crewgate.domain.people import Email

#: The most characters of a question's message. A longer message is cut, and is repeated as a whole
#: in the output.
MESSAGE_LIMIT: Final = 3_000
#: The most lessons of one request that are shown; CrewAI recalls ten.
LESSONS: Final = 20

_ESCALATION: Final = "escalation"
_EVENTS: Final = ("new_request", _ESCALATION)
#: An e-mail address no longer than RFC 5321, 4.5.3.1 allows, without characters that have a meaning
#: in Slack.
_EMAIL: Final = re.compile(r"[^\s@<>|,;:\"'`\0\ud800-\udfff]{1,64}@[A-Za-z0-9.-]{1,190}")
_LABEL: Final[TypeAdapter[str]] = TypeAdapter(fields.Verbatim)
_URL: Final[TypeAdapter[str]] = TypeAdapter(fields.Url)
_PROBLEM: Final = "the flow's request does not say what it is about"


class _Rewritten(fields.Wire):
    original: object
    lessons: list[str] = Field(min_length=1, max_length=LESSONS)


class _DrawnFrom(fields.Wire):
    """The request whose answer a lesson was drawn from, and the labels that keep or end it."""

    flow_id: fields.Id
    request_id: fields.Id = Field(validation_alias="id")
    keep: fields.Verbatim
    retire: fields.Verbatim


class _Request(fields.Wire):
    request_id: fields.Id = Field(validation_alias=AliasChoices("id", "request_id"))
    flow_id: fields.Id = Field(validation_alias=AliasChoices("flow_id", "flow_execution_id"))
    method: fields.Id = Field(validation_alias=AliasChoices("method_name", "methodName"))
    callback_url: str = Field(validation_alias=AliasChoices("callback_url", "callbackUrl"))
    response_token: fields.Lenient[fields.Verbatim] = None
    ask: fields.Lenient[AskWire] = None
    rewritten: fields.Lenient[_Rewritten] = None
    drawn_from: fields.Lenient[_DrawnFrom] = None
    flow_class: fields.Text = None
    deployment_name: fields.Text = Field(
        None, validation_alias=AliasChoices("deployment_name", AliasPath("deployment", "name"))
    )


def parse_flow_request(body: bytes) -> notification.FlowRequest:
    """Read a flow's webhook.

    The ids of request and flow, the method and the address for the answer are required. Raises
    Malformed.
    """
    members = _merged(fields.parse_object(body))
    escalation = _is_escalation(members)
    state = members.get("state")
    if "flow_id" not in members and isinstance(state, dict) and isinstance(state.get("id"), str):
        members["flow_id"] = state["id"]
    wire = fields.validate(_Request, members, _PROBLEM)
    if not _is_valid(_URL, wire.callback_url):
        raise Malformed(_PROBLEM, ["callback_url is not a web address"])
    ask = None if wire.ask is None else wire.ask.ask()
    message, output = _message_and_output(members, is_ask=ask is not None)
    if wire.rewritten is not None:
        original = read_output(wire.rewritten.original).text
        lessons = tuple(map(fields.one_line, wire.rewritten.lessons))
        output = replace(output, rewritten=notification.Rewritten(original, lessons))
    outcomes, left_off = ((), 0) if ask is not None else _outcomes(members)
    drawn, source, answered = wire.drawn_from, None, None
    if drawn is not None:
        source = notification.Source(keep=drawn.keep, retire=drawn.retire)
        answered = notification.RequestId(flow_id=drawn.flow_id, request_id=drawn.request_id)
    return notification.FlowRequest(
        flow_id=wire.flow_id,
        method=wire.method,
        question=notification.Question(
            request_id=wire.request_id,
            message=message,
            outcomes=outcomes,
            left_off=left_off,
            assigned=_assigned(members),
            ask=ask,
            drawn_from=source,
        ),
        output=with_erased(output, members),
        callback=notification.Callback(wire.callback_url, wire.response_token),
        flow_name=fields.read_name(wire.flow_class or wire.deployment_name),
        meta=read_given(members.get("metadata")) or read_given(state, leave_out="id"),
        escalation=escalation,
        source_request=answered,
    )


def _merged(members: dict[str, object]) -> dict[str, object]:
    """Return members of either shape in the flat one, without nulls; numeric ids become texts."""
    request = members.get("request")
    inner = request if isinstance(request, dict) else {}
    found = {
        name: value
        for source in (members, inner)
        for name, value in source.items()
        if value is not None
    }
    for name in ("id", "request_id", "flow_id", "flow_execution_id"):
        value = found.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            found[name] = str(value)
    return found


def _is_escalation(members: Mapping[str, object]) -> bool:
    """Return True for an escalation. Raises Malformed for an unknown event."""
    event = members.get("event_type", members.get("event", "new_request"))
    if event in _EVENTS:
        return event == _ESCALATION
    raise Malformed("the flow's event is not known", ["event_type is not new_request"])


def _message_and_output(
    members: Mapping[str, object], *, is_ask: bool
) -> tuple[str, notification.Output]:
    """Return the question and its subject: the output or, without an output, the flow's state.

    The message of `Flow.ask()` is the output.
    """
    raw = members.get("message")
    message = fields.clean(raw).strip() if isinstance(raw, str) else ""
    if is_ask:
        return "", notification.Output(message)
    output = _output(members)
    if len(message) <= MESSAGE_LIMIT:
        return message, output
    about = output.text
    if output.format is notification.Format.JSON:
        about = f"```json\n{about}\n```"
    return message[: MESSAGE_LIMIT - 1] + "…", notification.Output(f"{message}\n\n---\n\n{about}")


def _output(members: Mapping[str, object]) -> notification.Output:
    value = members.get("output")
    if not is_empty_output(value):
        return read_output(value)
    state = members.get("state")
    if isinstance(state, dict):
        state = {name: part for name, part in state.items() if name != "id"}
    if is_empty_output(state):
        return notification.Output("")
    return read_without_credentials(state)


def _outcomes(members: Mapping[str, object]) -> tuple[tuple[str, ...], int]:
    raw = members.get("emit", members.get("emit_options"))
    labels = [raw] if isinstance(raw, str) else raw if isinstance(raw, list) else []
    known = list(dict.fromkeys(one for one in labels if isinstance(one, str) and one.strip()))
    offered = [one for one in known if _can_be_sent(one)][:OUTCOMES]
    return tuple(offered), len(known) - len(offered)


def _can_be_sent(label: str) -> bool:
    """Return True for a label that can be offered and has no NUL and no lone surrogate."""
    return can_be_offered(label) and _is_valid(_LABEL, label)


def _is_valid(type_: TypeAdapter[str], value: str) -> bool:
    try:
        type_.validate_python(value)
    except ValidationError:
        return False
    return True


def _assigned(members: Mapping[str, object]) -> tuple[Email, ...]:
    routing = members.get("routing")
    responders = routing.get("effective_responders") if isinstance(routing, dict) else None
    named = (
        members.get("assigned_to_email"),
        members.get("assigned_to"),
        *(responders if isinstance(responders, list) else ()),
    )
    return tuple(map(Email, list(dict.fromkeys(_addresses(named)))[: notification.ASSIGNED_LIMIT]))


def _addresses(named: Iterable[object]) -> Iterator[str]:
    """Yield the e-mail addresses in texts and objects, in lower case, as Slack compares them."""
    for one in named:
        address = one.get("email") if isinstance(one, dict) else one
        if isinstance(address, str) and _EMAIL.fullmatch(address.strip()):
            yield address.strip().lower()

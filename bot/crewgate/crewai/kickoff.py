"""`POST /kickoff` and its answers, and the webhook URLs registered for an execution."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from crewgate.crewai import wire
from crewgate.crewai.fields import decode, parse_object, read, validate
from crewgate.crewai.given import is_secret, read_given
from crewgate.domain.errors import Malformed
from crewgate.domain.lessons import INPUT
from crewgate.domain.notification import HiddenValue, WebhookUrls
from crewgate.usecases.ports.crew import KickoffRequest

#: Reads numbers as texts, because a long number takes long to parse.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_SPACE: Final = re.compile(r"[ \t\n\r]*")


def replace_members(text: str, values: Mapping[str, object]) -> str:
    """Return a JSON object with these members; everything else stays as written."""
    return _change_members(text, {name: _always(json.dumps(one)) for name, one in values.items()})


def _always(text: str) -> Callable[[str], str]:
    return lambda _: text


def _change_members(text: str, changes: Mapping[str, Callable[[str], str]]) -> str:
    """Return a JSON object with changed members; a function gets a member's text, or `null`.

    Parsing and writing would change numbers: 0.10 to 0.1, 1e400 to Infinity. Both members of a
    repeated name are replaced: readers disagree on which counts. The text must be an object that
    `fields.parse_object` reads.
    """
    parts: list[str] = []
    copied = 0
    new = dict(changes)
    at = start = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, begin)
        if name in changes:
            parts += (text[copied:begin], changes[name](text[begin:end]))
            copied = end
            new.pop(name, None)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    added = ", ".join(f"{json.dumps(name)}: {change('null')}" for name, change in new.items())
    comma = ", " if added and at > start else ""
    return "".join((*parts, text[copied:at], comma, added, text[at:]))


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def parse_kickoff(body: bytes) -> KickoffRequest:
    """Parse a caller's kickoff: any JSON object, whose mistakes the crew itself reports.

    A `humanInputWebhook` is dropped: pauses come to this bot. Raises Malformed.
    """
    fields = parse_object(body, numbers=False)
    inputs = fields.get("inputs")
    has_room = inputs is None or (isinstance(inputs, dict) and INPUT not in inputs)
    return KickoffRequest(
        body=body,
        given=_update_urls({name: fields.get(name) for name in wire.URLS}),
        inputs=read_given(inputs),
        meta=read_given(fields.get("meta")),
        gives_lessons=not has_room,
    )


def new_kickoff(inputs: Mapping[str, str]) -> KickoffRequest:
    body = json.dumps({"inputs": dict(inputs)}).encode()
    given = (
        (name, HiddenValue() if is_secret(name, text) else text) for name, text in inputs.items()
    )
    return KickoffRequest(body=body, inputs=tuple(given), gives_lessons=INPUT in inputs)


def kickoff_body(request: KickoffRequest, webhooks: WebhookUrls) -> bytes:
    """Return the body of `POST /kickoff`: the caller's, with the webhook URLs and the lessons.

    Everything else stays byte for byte, even a value that is no URL: the crew reports it.
    """
    fields = parse_object(request.body, numbers=False)
    given = wire.update_urls(request.given)
    changed: dict[str, object] = {
        name: url
        for name, url in wire.update_urls(webhooks).items()
        if (given[name] != url if given[name] is not None else fields.get(name) is None)
    }
    if webhooks.human_input is not None:
        changed["humanInputWebhook"] = wire.human_input_body(webhooks.human_input)
    text = replace_members(decode(request.body), changed)
    if request.lessons is not None:
        text = _change_members(text, {"inputs": partial(_with_lessons, request.lessons)})
    return text.encode()


def _with_lessons(lessons: str, inputs: str) -> str:
    inputs = "{}" if inputs == "null" else inputs
    fields = _DECODER.decode(inputs)
    has_room = isinstance(fields, dict) and INPUT not in fields
    return replace_members(inputs, {INPUT: lessons}) if has_room else inputs


def parse_started(body: bytes) -> str | None:
    try:
        return read(wire.ExecutionRef, body, "the answer names no execution").execution_id
    except Malformed:
        return None


def parse_registration(body: bytes) -> WebhookUrls:
    fields = parse_object(body)
    wrong = [
        f"{name} is not a web address"
        for name, value in fields.items()
        if name in wire.UPDATE_NAMES and value is not None and not _update_urls({name: value})
    ]
    if wrong:
        raise Malformed("a webhook URL cannot be used", wrong)
    urls = _update_urls(fields)
    if not urls:
        raise Malformed("no webhook URL is given", [f"any of {', '.join(wire.URLS)}"])
    return urls


def parse_execution(text: str) -> str:
    fields: dict[str, object] = {"execution_id": text}
    return validate(wire.ExecutionRef, fields, "the execution's id cannot be used").execution_id


def _update_urls(fields: Mapping[str, object]) -> WebhookUrls:
    return replace(wire.Webhooks.model_validate(fields).urls(), human_input=None)

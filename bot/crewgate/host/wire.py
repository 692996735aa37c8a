"""The documented names and formats of the crew API: requests in, bodies out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from crewgate.host.errors import Refusal
from crewgate.host.records import Address, Json, Kickoff, Urls
from crewgate.host.texts import sendable


@dataclass(frozen=True, slots=True)
class ResumeCall:
    """A person's decision as it is sent to `/resume`."""

    execution_id: str
    task_id: str
    feedback: str
    approve: bool
    urls: Urls
    human_input: Address | None


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """A person's answer to a flow's question."""

    feedback: str
    source: str


def parse_object(raw: bytes) -> Json:
    """Parse a JSON object whose text can be kept and sent. Raises Refusal."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
        # Lone surrogates can be written as JSON, and not as UTF-8; 1e999 becomes an infinity.
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        body = json.loads(sendable(text))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal.bad_request("The body must be a JSON object")
    return body


def parse_kickoff(raw: bytes) -> Kickoff:
    """Parse a kickoff; whether all inputs are there is the target's to say. Raises Refusal."""
    body = parse_object(raw)
    inputs, meta = body.get("inputs"), body.get("meta")
    if not isinstance(inputs, dict):
        raise Refusal.bad_request("inputs must be an object", inputs="required")
    if meta is not None and not isinstance(meta, dict):
        raise Refusal.bad_request("meta must be an object", meta="object")
    stream, events = _parse_stream(body.get("webhooks"))
    return Kickoff(inputs, meta, _parse_urls(body), _parse_human_input(body), stream, events)


def parse_resume(raw: bytes) -> ResumeCall:
    """Parse a resume; four fields are required. Raises Refusal."""
    body = parse_object(raw)
    wanted = {"execution_id": str, "task_id": str, "human_feedback": str, "is_approve": bool}
    wrong = {
        name: f"must be a {'boolean' if kind is bool else 'string'}"
        for name, kind in wanted.items()
        if not isinstance(body.get(name), kind)
    }
    if wrong:
        raise Refusal.bad_request(f"Missing or invalid fields: {', '.join(wrong)}", **wrong)
    return ResumeCall(
        body["execution_id"],
        body["task_id"],
        body["human_feedback"],
        body["is_approve"],
        _parse_urls(body),
        _parse_human_input(body),
    )


def parse_answer(raw: bytes) -> AnswerCall:
    """Parse the answer to a flow's question. Raises Refusal.

    Empty text is refused: crewai takes the default outcome for it, or the first, which is often an
    approval that nobody gave.
    """
    body = parse_object(raw)
    feedback, source = body.get("feedback"), body.get("source", "")
    if not isinstance(feedback, str) or not feedback.strip():
        raise Refusal.bad_request("feedback must be text that is not empty", feedback="required")
    return AnswerCall(feedback, source if isinstance(source, str) else "")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _parse_urls(body: Json) -> Urls:
    return Urls(
        task=_parse_url(body, "taskWebhookUrl"),
        step=_parse_url(body, "stepWebhookUrl"),
        crew=_parse_url(body, "crewWebhookUrl"),
    )


def _parse_human_input(body: Json) -> Address | None:
    webhook = body.get("humanInputWebhook")
    return None if webhook is None else _parse_address(webhook, "humanInputWebhook")


def _parse_stream(webhooks: object) -> tuple[Address | None, tuple[str, ...]]:
    if webhooks is None:
        return None, ()
    address = _parse_address(webhooks, "webhooks")
    events = webhooks.get("events", []) if isinstance(webhooks, dict) else None
    if not isinstance(events, list) or not all(isinstance(one, str) for one in events):
        raise Refusal.bad_request("webhooks.events must be a list of names", webhooks="invalid")
    return address, tuple(events)


def _parse_address(webhook: object, name: str) -> Address:
    url = _parse_url(webhook, "url", of=name) if isinstance(webhook, dict) else None
    if not isinstance(webhook, dict) or url is None:
        raise Refusal.bad_request(f"{name} needs a url", **{name: "invalid"})
    match webhook.get("authentication"):
        case None:
            return Address(url)
        case {"strategy": "bearer", "token": str(token)} if _fits_a_header(token):
            return Address(url, f"Bearer {token}")
        case {"strategy": "basic", "username": str(user), "password": str(password)}:
            pair = f"{user}:{password}".encode()
            return Address(url, f"Basic {base64.b64encode(pair).decode()}")
    raise Refusal.bad_request(
        f"{name}.authentication must be bearer with a token, or basic with username and password",
        **{name: "authentication is invalid"},
    )


def _parse_url(body: Mapping[str, Any], name: str, *, of: str = "") -> str | None:
    url = body.get(name)
    if url is None:
        return None
    try:
        if isinstance(url, str) and url.isprintable():
            parts = urlsplit(url)
            # Reading the port raises where there can be no such one.
            if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
                return url
    except ValueError:
        pass
    label = f"{of}.{name}" if of else name
    raise Refusal.bad_request(f"{label} must be an http(s) URL", **{label: "not a URL"})


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()

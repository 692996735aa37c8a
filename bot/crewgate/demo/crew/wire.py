"""The stand-in crew's wire format: strict parsing of requests, and bodies of webhooks.

Written from the vendor's schema independently of the bot's own parsers, so that a mistake in one
cannot be masked by the same mistake in the other.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crewgate.demo.crew.script import Task

Json = dict[str, Any]


class Refusal(Exception):
    """A refused request: an HTTP status with the vendor's error object."""

    def __init__(
        self, status: int, error: str, message: str, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": error, "message": message, "details": dict(details or {})}


@dataclass(frozen=True, slots=True)
class HumanInput:
    """The human-input webhook: its URL and the credentials the crew presents there."""

    url: str
    strategy: str | None = None
    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def bearer(cls, url: str, token: str) -> HumanInput:
        """Present `Authorization: Bearer`."""
        return cls(url, "bearer", token=token)

    @classmethod
    def basic(cls, url: str, username: str, password: str) -> HumanInput:
        """Present `Authorization: Basic`."""
        return cls(url, "basic", username=username, password=password)

    @property
    def headers(self) -> dict[str, str]:
        """The credentials as headers."""
        if self.strategy == "bearer":
            return {"Authorization": f"Bearer {self.token}"}
        if self.strategy == "basic":
            pair = f"{self.username}:{self.password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}

    @property
    def wire(self) -> Json:
        """As in a kickoff or a resume."""
        if self.strategy is None:
            return {"url": self.url}
        keys = ("token",) if self.strategy == "bearer" else ("username", "password")
        credentials = {key: getattr(self, key) for key in keys}
        return {"url": self.url, "authentication": {"strategy": self.strategy, **credentials}}


@dataclass(frozen=True, slots=True)
class Urls:
    """The webhook URLs that the crew drops at every pause."""

    task: str | None = None
    step: str | None = None
    crew: str | None = None


@dataclass(frozen=True, slots=True)
class Kickoff:
    """A parsed kickoff."""

    inputs: Json
    meta: Json | None
    urls: Urls
    human_input: HumanInput | None


@dataclass(frozen=True, slots=True)
class ResumeCall:
    """A parsed resume."""

    execution_id: str
    task_id: str
    human_feedback: str
    is_approve: bool
    urls: Urls
    human_input: HumanInput | None


def parse_kickoff(raw: bytes, required: Sequence[str]) -> Kickoff:
    """Parse a kickoff. Raises Refusal (400, or 422 naming the inputs that are missing)."""
    body = _parse_object(raw)
    inputs = body.get("inputs")
    if not isinstance(inputs, dict):
        raise _invalid("inputs must be an object", {"inputs": "required"})
    meta = body.get("meta")
    if meta is not None and not isinstance(meta, dict):
        raise _invalid("meta must be an object", {"meta": "object"})
    kickoff = Kickoff(inputs, meta, _parse_urls(body), _parse_human_input(body))
    missing = [name for name in required if inputs.get(name) in (None, "")]
    if missing:
        raise Refusal(
            422,
            "Validation Error",
            f"Missing required inputs: {', '.join(missing)}",
            {"missing_inputs": missing},
        )
    return kickoff


def parse_resume(raw: bytes) -> ResumeCall:
    """Parse a resume; four fields are required. Raises Refusal (400)."""
    body = _parse_object(raw)
    wanted = {"execution_id": str, "task_id": str, "human_feedback": str, "is_approve": bool}
    wrong = {
        name: f"must be a {'boolean' if kind is bool else 'string'}"
        for name, kind in wanted.items()
        if not isinstance(body.get(name), kind)
    }
    if wrong:
        raise _invalid(f"Missing or invalid fields: {', '.join(wrong)}", wrong)
    return ResumeCall(
        body["execution_id"],
        body["task_id"],
        body["human_feedback"],
        body["is_approve"],
        _parse_urls(body),
        _parse_human_input(body),
    )


def parse_object_or_nothing(raw: bytes) -> Json:
    """The JSON object in `raw`, or an empty one: for the records only."""
    try:
        return _parse_object(raw)
    except Refusal:
        return {}


def _parse_object(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _invalid("The body must be a JSON object", {})
    return body


def _parse_urls(body: Json) -> Urls:
    return Urls(
        task=_url(body, "taskWebhookUrl"),
        step=_url(body, "stepWebhookUrl"),
        crew=_url(body, "crewWebhookUrl"),
    )


def _parse_human_input(body: Json) -> HumanInput | None:
    webhook = body.get("humanInputWebhook")
    if webhook is None:
        return None
    if not isinstance(webhook, dict) or (url := _url(webhook, "url")) is None:
        raise _invalid("humanInputWebhook needs a url", {"humanInputWebhook": "invalid"})
    match webhook.get("authentication"):
        case None:
            return HumanInput(url)
        case {"strategy": "bearer", "token": str(token)} if _fits_a_header(token):
            return HumanInput.bearer(url, token)
        case {"strategy": "basic", "username": str(username), "password": str(password)}:
            return HumanInput.basic(url, username, password)
    raise _invalid("authentication is invalid", {"humanInputWebhook.authentication": "invalid"})


def _url(body: Json, name: str) -> str | None:
    url = body.get(name)
    if url is None:
        return None
    try:
        if isinstance(url, str) and urlsplit(url).scheme in {"http", "https"}:
            return url
    except ValueError:
        pass
    raise _invalid(f"{name} must be a URL", {name: "not a URL"})


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()


def _invalid(message: str, details: Mapping[str, object]) -> Refusal:
    return Refusal(400, "Bad Request", message, details)


class Style(StrEnum):
    """The format of a notification; the vendor's own pages differ."""

    REFERENCE = "reference"
    """The API reference: snake_case, and nothing but the three documented fields."""
    CAMEL = "camel"
    """An older guide: camelCase."""
    RICH = "rich"
    """Public integrations: snake_case, with names and `meta` besides."""
    RAW = "raw"
    """The output as an object with `raw`."""


def notification(
    style: Style,
    execution_id: str,
    task_id: str,
    output: object,
    *,
    task: Task | None = None,
    meta: object = None,
) -> Json:
    """The body of the human-input webhook."""
    if style is Style.CAMEL:
        return {"executionId": execution_id, "taskId": task_id, "taskOutput": output}
    if style is Style.RAW:
        output = {"raw": output if isinstance(output, str) else json.dumps(output)}
    body: Json = {"execution_id": execution_id, "task_id": task_id, "task_output": output}
    if style is Style.RICH:
        if task is not None:
            body |= {
                "task_name": task.name,
                "task_description": task.description,
                "expected_output": task.expected_output,
                "agent": task.agent,
            }
        if meta is not None:
            body["meta"] = meta
    return body


def text_of(output: object) -> str:
    """An output as text, as in the vendor's webhooks and results."""
    return output if isinstance(output, str) else json.dumps(output, indent=2, ensure_ascii=False)

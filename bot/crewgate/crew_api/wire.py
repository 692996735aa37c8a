"""The documented requests of the crew API: their records, strict parsers and refusals."""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NoReturn, Self, TypeAlias
from urllib.parse import urlsplit

Json: TypeAlias = dict[str, Any]


class Refusal(Exception):
    """A refused request: a status with the documented error object."""

    def __init__(
        self, status: int, error: str, message: str, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": error, "message": message, "details": dict(details or {})}

    @classmethod
    def bad_request(cls, message: str, **details: object) -> Self:
        return cls(400, "Bad Request", message, details)

    @classmethod
    def not_found(cls, message: str) -> Self:
        return cls(404, "Not Found", message)


@dataclass(frozen=True, slots=True)
class Urls:
    """The webhook URLs for tasks, steps and the crew; CrewAI AMP forgets them at each pause."""

    task: str | None = None
    step: str | None = None
    crew: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """The human-input webhook, with its credentials."""

    url: str
    authorization: str = field(default="", repr=False)
    """The value of the Authorization header; empty without such a header."""

    @classmethod
    def bearer(cls, url: str, token: str) -> Self:
        return cls(url, f"Bearer {token}")

    @classmethod
    def basic(cls, url: str, username: str, password: str) -> Self:
        return cls(url, f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}


@dataclass(frozen=True, slots=True)
class FlowWebhook:
    """The address for flows' questions, and the secret that signs them."""

    url: str
    """A URL, in which `{name}` stands for the name of the flow that asks."""
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kickoff:
    """A kickoff's request."""

    inputs: Json
    meta: Json | None = None
    urls: Urls = Urls()
    human_input: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """A person's decision, as the body of `/resume`."""

    execution_id: str
    task_id: str
    human_feedback: str
    is_approve: bool
    urls: Urls
    human_input: Address | None
    edited: str | None = None
    """The task's output with people's edits; the API of CrewAI AMP has no such field."""
    arguments: Json | None = None
    """A tool call's arguments with people's edits; the API of CrewAI AMP has no such field."""
    key: str | None = None
    """The key of the decision, equal at each try; the API of CrewAI AMP has no such field."""
    valid_until: float | None = None
    """The end of an approval of a call, in seconds since the epoch; None without an end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's answer to a flow's question."""

    feedback: str
    source: str
    valid_until: float | None = None
    """The end of a lesson that the answer keeps, in seconds since the epoch; None without end."""


def parse_object(raw: bytes) -> Json:
    """Parse a JSON object whose text can be stored and sent. Raises Refusal."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
        # JSON can hold what cannot be sent: 1e999 is read as an infinity, which is refused, and
        # lone surrogates have no UTF-8, so `sendable` replaces them.
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        body = json.loads(sendable(text))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal.bad_request("The body must be a JSON object")
    return body


def parse_kickoff(raw: bytes) -> Kickoff:
    """Parse a kickoff; `require_inputs` checks that no input is missing. Raises Refusal."""
    body = parse_object(raw)
    inputs, meta = body.get("inputs"), body.get("meta")
    if not isinstance(inputs, dict):
        raise Refusal.bad_request("inputs must be an object", inputs="required")
    if meta is not None and not isinstance(meta, dict):
        raise Refusal.bad_request("meta must be an object", meta="object")
    if len(json.dumps(meta, ensure_ascii=False).encode()) > MOST_META:
        why = f"meta must have at most {MOST_META:,} bytes: it is in each webhook"
        raise Refusal.bad_request(why, meta="too large")
    return Kickoff(inputs, meta, _parse_urls(body), _parse_human_input(body))


def require_inputs(inputs: Json, required: Sequence[str]) -> None:
    missing = [name for name in required if inputs.get(name) in (None, "")]
    if missing:
        raise Refusal(
            422,
            "Validation Error",
            f"Missing required inputs: {', '.join(missing)}",
            {"missing_inputs": missing},
        )


#: The most bytes of a kickoff's `meta`; a receiver such as the bot takes 1 MiB in all.
MOST_META: Final = 100_000
EDITED: Final = "edited"
"""The field of the host's `/resume` that replaces `is_approve`."""
ARGUMENTS: Final = "arguments"
"""The key in `edited` for a tool call's arguments."""
KEY: Final = "idempotency_key"
VALID_UNTIL: Final = "valid_until"
#: The values of `details.code` that say why a resume is refused with 400.
ANSWERED: Final = "answered"
EXPIRED: Final = "expired"
MISFIT: Final = "arguments"


def parse_resume_of_host(raw: bytes) -> Resume:
    """Parse a resume that may have an edited text, a key and `valid_until`. Raises Refusal."""
    body = parse_object(raw)
    key = body.get(KEY)
    if not isinstance(key, str | None):
        raise Refusal.bad_request(f"{KEY} must be a string", **{KEY: "must be a string"})
    more: Json = {"key": key, "valid_until": _parse_end(body.get(VALID_UNTIL))}
    match body.get(EDITED):
        case None:
            pass
        case {"output": str(output), "is_approve": bool(verdict)} if "is_approve" not in body:
            more["edited"], body["is_approve"] = output, verdict
        case {"arguments": dict(arguments), "is_approve": True} if "is_approve" not in body:
            more["arguments"], body["is_approve"] = arguments, True
        case _:
            why = "edited must be an object with output, or arguments to approve, and is_approve"
            raise Refusal.bad_request(f"{why}, in place of is_approve", edited="invalid")
    return replace(_resume_of(body), **more)


def _parse_end(given: object) -> float | None:
    if given is None:
        return None
    with suppress(ValueError, OverflowError):
        end = datetime.fromisoformat(given) if isinstance(given, str) else None
        # A time without a zone is refused: it would be another moment on each machine.
        if end is not None and end.tzinfo is not None:
            return end.timestamp()
    why = "must be a time with a zone, as in RFC 3339"
    raise Refusal.bad_request(f"{VALID_UNTIL} {why}", **{VALID_UNTIL: why})


def parse_resume(raw: bytes) -> Resume:
    return _resume_of(parse_object(raw))


def _resume_of(body: Json) -> Resume:
    wanted = {"execution_id": str, "task_id": str, "human_feedback": str, "is_approve": bool}
    wrong = {
        name: f"must be a {'boolean' if kind is bool else 'string'}"
        for name, kind in wanted.items()
        if not isinstance(body.get(name), kind)
    }
    if wrong:
        raise Refusal.bad_request(f"Missing or invalid fields: {', '.join(wrong)}", **wrong)
    required = {name: body[name] for name in wanted}
    return Resume(**required, urls=_parse_urls(body), human_input=_parse_human_input(body))


def parse_answer(raw: bytes) -> Answer:
    """Parse the answer to a flow's question. Raises Refusal.

    Empty text is refused: crewai would choose the default outcome or the first, which is often an
    approval that nobody gave.
    """
    body = parse_object(raw)
    feedback, source = body.get("feedback"), body.get("source", "")
    if not isinstance(feedback, str) or not feedback.strip():
        raise Refusal.bad_request("feedback must be text that is not empty", feedback="required")
    source = source if isinstance(source, str) else ""
    return Answer(feedback, source, _parse_end(body.get(VALID_UNTIL)))


def sendable(text: str) -> str:
    """Return text that UTF-8 can hold: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _parse_urls(body: Json) -> Urls:
    return Urls(
        task=_parse_url(body, "taskWebhookUrl"),
        step=_parse_url(body, "stepWebhookUrl"),
        crew=_parse_url(body, "crewWebhookUrl"),
    )


def _parse_human_input(body: Json) -> Address | None:
    name = "humanInputWebhook"
    webhook = body.get(name)
    if webhook is None:
        return None
    url = _parse_url(webhook, "url", of=name) if isinstance(webhook, dict) else None
    if url is None:
        raise Refusal.bad_request(f"{name} needs a url", **{name: "invalid"})
    match webhook.get("authentication"):
        case None:
            return Address(url)
        case {"strategy": "bearer", "token": str(token)} if _fits_a_header(token):
            return Address.bearer(url, token)
        case {"strategy": "basic", "username": str(username), "password": str(password)}:
            return Address.basic(url, username, password)
    raise Refusal.bad_request(
        f"{name}.authentication must be bearer with a token, or basic with username and password",
        **{name: "authentication is invalid"},
    )


def _parse_url(body: Mapping[str, Any], name: str, *, of: str = "") -> str | None:
    url = body.get(name)
    if url is None or (isinstance(url, str) and _is_web(url)):
        return url
    label = f"{of}.{name}" if of else name
    raise Refusal.bad_request(f"{label} must be an http(s) URL", **{label: "not a URL"})


def _is_web(url: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(url)
        # Reading `parts.port` raises ValueError, suppressed here, if no port can have that number.
        is_complete = bool(parts.hostname) and parts.port != 0
        return url.isprintable() and parts.scheme in {"http", "https"} and is_complete
    return False


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()

"""`POST /kickoff` and its answers, and the webhook URLs registered for an execution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pydantic import AliasPath, Field

from crewgate.crewai.fields import Lenient, Url, Wire, clean, decode, parse_object, read
from crewgate.crewai.given import is_secret, read_given
from crewgate.crewai.raw_json import replace_members
from crewgate.crewai.stream import stream_body
from crewgate.crewai.wire import (
    CREW_URL,
    STEP_URL,
    TASK_URL,
    ExecutionRef,
    Webhooks,
    human_input_body,
)
from crewgate.domain.errors import Malformed
from crewgate.domain.given import Hidden
from crewgate.domain.notification import WebhookUrls
from crewgate.usecases.ports.crew import KickoffRequest

#: The fields of a kickoff and of a registration that name webhook URLs.
_URLS: Final = ("taskWebhookUrl", "stepWebhookUrl", "crewWebhookUrl")


class _Refusal(Wire):
    missing: Lenient[list[str]] = Field(
        None, validation_alias=AliasPath("details", "missing_inputs")
    )


class _Registration(Wire):
    task: Url | None = Field(None, validation_alias=TASK_URL)
    step: Url | None = Field(None, validation_alias=STEP_URL)
    crew: Url | None = Field(None, validation_alias=CREW_URL)


def parse_kickoff(body: bytes) -> KickoffRequest:
    """Read a caller's kickoff: any JSON object; what is wrong with it is the crew's to say.

    A `humanInputWebhook` is not kept: pauses come to this bot. Raises Malformed.
    """
    fields = parse_object(body, numbers=False)
    urls = Webhooks.model_validate({name: fields.get(name) for name in _URLS}).urls()
    return KickoffRequest(
        body,
        WebhookUrls(task=urls.task, step=urls.step, crew=urls.crew),
        inputs=read_given(fields.get("inputs")),
        meta=read_given(fields.get("meta")),
    )


def new_kickoff(inputs: Mapping[str, str]) -> KickoffRequest:
    """A kickoff that somebody asked for in Slack."""
    body = json.dumps({"inputs": dict(inputs)}).encode()
    given = ((name, Hidden() if is_secret(name, text) else text) for name, text in inputs.items())
    return KickoffRequest(body, inputs=tuple(given))


def kickoff_body(request: KickoffRequest, webhooks: WebhookUrls) -> bytes:
    """The body of `POST /kickoff`: the caller's own, with the webhook URLs to send.

    A value that is not a URL stays as it is, so that the crew says what is wrong with it. So does
    everything else, byte for byte.
    """
    fields = parse_object(request.body, numbers=False)
    urls = (
        ("taskWebhookUrl", request.given.task, webhooks.task),
        ("stepWebhookUrl", request.given.step, webhooks.step),
        ("crewWebhookUrl", request.given.crew, webhooks.crew),
    )
    changed: dict[str, object] = {
        name: wanted
        for name, given, wanted in urls
        if (given != wanted if given is not None else fields.get(name) is None)
    }
    if webhooks.human_input is not None:
        changed["humanInputWebhook"] = human_input_body(webhooks.human_input)
    if request.stream is not None and fields.get("webhooks") is None:
        changed["webhooks"] = stream_body(request.stream)
    return replace_members(decode(request.body), changed).encode()


def parse_started(body: bytes) -> str | None:
    """The id of the execution that a kickoff started; None when the answer names none."""
    try:
        return read(ExecutionRef, body, "the answer names no execution").execution_id
    except Malformed:
        return None


def parse_missing_inputs(body: bytes) -> tuple[str, ...]:
    """The inputs that a crew which refused a kickoff asks for; never raises."""
    try:
        refusal = _Refusal.model_validate(parse_object(body))
    except Malformed:
        return ()
    return tuple(map(clean, refusal.missing or ()))


def parse_registration(body: bytes) -> WebhookUrls:
    """Read the URLs that somebody registers for an execution. Raises Malformed."""
    fields = parse_object(body)
    wrong = [
        f"{name} is not a web address"
        for name, value in fields.items()
        if name in _URLS and value is not None and not _is_url(name, value)
    ]
    if wrong:
        raise Malformed("a webhook URL cannot be used", wrong)
    found = _Registration.model_validate(fields)
    urls = WebhookUrls(task=found.task, step=found.step, crew=found.crew)
    if not urls:
        raise Malformed("no webhook URL is given", [f"any of {', '.join(_URLS)}"])
    return urls


def parse_execution(text: str) -> str:
    """An execution's id in an address. Raises Malformed."""
    body = json.dumps({"execution_id": text}).encode()
    return read(ExecutionRef, body, "the execution's id cannot be used").execution_id


def _is_url(name: str, value: object) -> bool:
    return bool(Webhooks.model_validate({name: value}).urls())

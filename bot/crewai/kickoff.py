"""`POST /kickoff`, and the webhooks of an execution under way. Names on the wire live here too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import httpx
from pydantic import AliasPath, Field

from bot.crewai.client import HttpCrew, _words
from bot.crewai.fields import (
    Count,
    Id,
    Lenient,
    Text,
    Url,
    Wire,
    clean,
    one_line,
    parse_object,
    read,
)
from bot.crewai.payloads import (
    CREW_URL,
    EXECUTION_ID,
    STEP_URL,
    TASK_NAME,
    TASK_URL,
    _human_input_body,
    _output,
    _Webhooks,
)
from bot.crewai.transport_errors import UNSENT, why_lost, why_unsent
from bot.domain.errors import Malformed
from bot.domain.execution import CrewUpdate, StepUpdate, TaskUpdate
from bot.domain.notification import WebhookUrls
from bot.domain.outcome import NotSent, Unknown
from bot.usecases.kickoff import KickoffAnswer, KickoffRequest
from bot.usecases.read_models import StatusUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A crew may take minutes to answer a kickoff: it can be asleep. In seconds.
KICKOFF_SECONDS: Final = 600


class _Kickoff(Wire):
    execution_id: Id = Field(validation_alias=EXECUTION_ID)


class _Missing(Wire):
    names: Lenient[list[str]] = Field(None, validation_alias=AliasPath("details", "missing_inputs"))


class _Registration(Wire):
    task: Url | None = Field(None, validation_alias=TASK_URL)
    step: Url | None = Field(None, validation_alias=STEP_URL)
    crew: Url | None = Field(None, validation_alias=CREW_URL)


class _About(Wire):
    execution_id: Id = Field(validation_alias=EXECUTION_ID)


class _Task(_About):
    name: Text = None
    task_name: Text = Field(None, validation_alias=TASK_NAME)
    description: Text = None
    summary: Text = None
    agent: Text = None


class _Step(_About):
    thought: Text = None
    tool: Text = None
    prompt: Text = None


class _Crew(_About):
    result: object = None
    output: object = None
    tokens: Lenient[Count] = Field(None, validation_alias=AliasPath("token_usage", "total_tokens"))


def parse_kickoff(body: bytes) -> KickoffRequest:
    """Read a caller's kickoff: any JSON object; what is wrong with it is the crew's to say.

    A `humanInputWebhook` is not kept: pauses come to this bot. Raises Malformed.
    """
    fields = parse_object(body)
    urls = _Webhooks.model_validate({name: fields.get(name) for name in _URLS}).urls()
    return KickoffRequest(fields, WebhookUrls(task=urls.task, step=urls.step, crew=urls.crew))


def new_kickoff(inputs: Mapping[str, str]) -> KickoffRequest:
    """A kickoff that somebody asked for in Slack."""
    return KickoffRequest({"inputs": dict(inputs)}, inputs=tuple(inputs.items()))


def kickoff_body(request: KickoffRequest, webhooks: WebhookUrls) -> dict[str, object]:
    """The body of `POST /kickoff`: the caller's own, with the URLs it shall carry.

    A URL that is none stays as it is, so that the crew says what is wrong with it.
    """
    body = dict(request.fields)
    given, wanted = request.given, webhooks
    for name, theirs, ours in (
        ("taskWebhookUrl", given.task, wanted.task),
        ("stepWebhookUrl", given.step, wanted.step),
        ("crewWebhookUrl", given.crew, wanted.crew),
    ):
        if theirs is not None or body.get(name) is None:
            body[name] = ours
    if webhooks.human_input is not None:
        body["humanInputWebhook"] = _human_input_body(webhooks.human_input)
    return body


_URLS: Final = ("taskWebhookUrl", "stepWebhookUrl", "crewWebhookUrl")


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


def _is_url(name: str, value: object) -> bool:
    return bool(_Webhooks.model_validate({name: value}).urls())


def parse_execution(text: str) -> str:
    """An execution's id in an address. Raises Malformed."""
    body = json.dumps({"execution_id": text}).encode()
    return read(_Kickoff, body, "the execution's id cannot be used").execution_id


def parse_task(body: bytes) -> tuple[str, TaskUpdate]:
    """Read a task webhook. Raises Malformed."""
    wire = read(_Task, body, "the webhook does not say what it is about")
    news = TaskUpdate(
        title=one_line(wire.task_name or wire.name or wire.description or "a task"),
        summary=one_line(wire.summary or ""),
        agent=wire.agent,
    )
    return wire.execution_id, news


def parse_step(body: bytes) -> tuple[str, StepUpdate]:
    """Read a step webhook. Raises Malformed."""
    wire = read(_Step, body, "the webhook does not say what it is about")
    return wire.execution_id, StepUpdate(doing=one_line(wire.thought or wire.tool or ""))


def parse_crew(body: bytes) -> tuple[str, CrewUpdate]:
    """Read a crew webhook. Raises Malformed."""
    wire = read(_Crew, body, "the webhook does not say what it is about")
    result = _output(wire.output if wire.result is None else wire.result)
    return wire.execution_id, CrewUpdate(result=result, tokens=wire.tokens)


class HttpKickoffs:
    """`usecases.kickoffs.KickoffClient` on a crew with long timeouts."""

    def __init__(self, crew: HttpCrew, *, seconds: float = KICKOFF_SECONDS) -> None:
        self._crew = crew
        self._seconds = seconds

    async def kickoff(
        self, request: KickoffRequest, webhooks: WebhookUrls
    ) -> KickoffAnswer | NotSent | Unknown:
        """See `KickoffClient`."""
        body = json.dumps(kickoff_body(request, webhooks)).encode()
        try:
            answer = await self._crew._ask("POST", "/kickoff", body, seconds=self._seconds)
        except UNSENT as lost:
            return NotSent(why_unsent(lost))
        except (httpx.HTTPError, TimeoutError) as lost:
            return Unknown(why_lost(lost))
        ok = 200 <= answer.status < 300  # noqa: PLR2004
        return KickoffAnswer(
            answer.status,
            answer.body,
            answer.content_type,
            answer.retry_after,
            execution_id=_started(answer.body) if ok else None,
            missing=() if ok else _missing(answer.body),
            words="" if ok else _words(answer),
        )

    async def input_names(self) -> tuple[str, ...] | str:
        """See `KickoffClient`."""
        found = await self._crew.inputs()
        return found.why if isinstance(found, StatusUnavailable) else found


def _started(body: bytes) -> str | None:
    try:
        return read(_Kickoff, body, "the answer names no execution").execution_id
    except Malformed:
        return None


def _missing(body: bytes) -> tuple[str, ...]:
    try:
        found = _Missing.model_validate(parse_object(body))
    except Malformed:
        return ()
    return tuple(map(clean, found.names or ()))

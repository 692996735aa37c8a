"""What crews send and are sent: the only place that knows names on the wire.

`parse_*` turns bytes into the bot's own types and raises Malformed, never anything else;
`resume_body` goes the other way. The vendor's own pages disagree about names, so reading accepts
all of them: of a field's names the first that is present and not null counts.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field

from bot.crewai.fields import (
    Count,
    Id,
    Lenient,
    Line,
    Text,
    Url,
    Verbatim,
    Wire,
    clean,
    one_line,
    parse_object,
    pretty,
    read,
)
from bot.domain.errors import Malformed
from bot.domain.notification import (
    Format,
    HumanInputWebhook,
    Notification,
    Output,
    WebhookUrls,
)
from bot.domain.outcome import ResumeStatus
from bot.domain.verdict import Decision
from bot.usecases.read_models import Progress

__all__ = [
    "Malformed",
    "parse_error",
    "parse_execution_id",
    "parse_inputs",
    "parse_notification",
    "parse_resume_answer",
    "parse_status",
    "resume_body",
]

EXECUTION_ID: Final = AliasChoices("execution_id", "executionId", "kickoff_id", "kickoffId")
TASK_ID: Final = AliasChoices("task_id", "taskId")
OUTPUT: Final = AliasChoices("task_output", "taskOutput", "output", "result")
TASK_NAME: Final = AliasChoices("task_name", "taskName")
TASK_DESCRIPTION: Final = AliasChoices("task_description", "taskDescription")
EXPECTED_OUTPUT: Final = AliasChoices("expected_output", "expectedOutput")
TASK_URL: Final = AliasChoices("taskWebhookUrl", "task_webhook_url")
STEP_URL: Final = AliasChoices("stepWebhookUrl", "step_webhook_url")
CREW_URL: Final = AliasChoices("crewWebhookUrl", "crew_webhook_url")
HUMAN_INPUT: Final = AliasChoices("humanInputWebhook", "human_input_webhook")
HUMAN_INPUT_URL: Final = AliasChoices("humanInputWebhookUrl", "human_input_webhook_url")
STATE: Final = AliasChoices("status", "state")
CURRENT_TASK: Final = AliasChoices("current_task", "currentTask")
COMPLETED: Final = AliasChoices(
    AliasPath("progress", "completed_tasks"), AliasPath("progress", "completedTasks")
)
TOTAL: Final = AliasChoices(
    AliasPath("progress", "total_tasks"), AliasPath("progress", "totalTasks")
)


def _words(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("message")
    return one_line(value) if isinstance(value, str) else ""


Words = Annotated[str, BeforeValidator(_words)]
"""A text, or the message of an object, in one line; empty when it is neither."""


class _Bearer(Wire):
    strategy: Literal["bearer"]
    token: Verbatim


class _Basic(Wire):
    strategy: Literal["basic"]
    username: Verbatim
    password: Verbatim


class _HumanInput(Wire):
    url: Url
    authentication: Lenient[_Bearer | _Basic] = None

    def webhook(self) -> HumanInputWebhook:
        match self.authentication:
            case _Bearer(token=token):
                return HumanInputWebhook(self.url, "bearer", token=token)
            case _Basic(username=user, password=password):
                return HumanInputWebhook(self.url, "basic", username=user, password=password)
        return HumanInputWebhook(self.url)


class _Webhooks(Wire):
    task_url: Lenient[Url] = Field(None, validation_alias=TASK_URL)
    step_url: Lenient[Url] = Field(None, validation_alias=STEP_URL)
    crew_url: Lenient[Url] = Field(None, validation_alias=CREW_URL)
    human_input: Lenient[_HumanInput] = Field(None, validation_alias=HUMAN_INPUT)
    human_input_url: Lenient[Url] = Field(None, validation_alias=HUMAN_INPUT_URL)

    def urls(self) -> WebhookUrls:
        bare = HumanInputWebhook(self.human_input_url) if self.human_input_url else None
        return WebhookUrls(
            task=self.task_url,
            step=self.step_url,
            crew=self.crew_url,
            human_input=self.human_input.webhook() if self.human_input else bare,
        )


class _Execution(Wire):
    execution_id: Id = Field(validation_alias=EXECUTION_ID)


class _Notification(_Webhooks, _Execution):
    task_id: Id = Field(validation_alias=TASK_ID)
    output: object = Field(None, validation_alias=OUTPUT)
    task_name: Text = Field(None, validation_alias=TASK_NAME)
    name: Text = None
    task_description: Text = Field(None, validation_alias=TASK_DESCRIPTION)
    description: Text = None
    expected_output: Text = Field(None, validation_alias=EXPECTED_OUTPUT)
    agent: Text = None
    summary: Text = None
    meta: Lenient[_Webhooks] = None
    """Callers that kick off may put URLs here."""


class _Status(Wire):
    state: Line = Field(validation_alias=STATE)
    current_task: Text = Field(None, validation_alias=CURRENT_TASK)
    completed: Lenient[Count] = Field(None, validation_alias=COMPLETED)
    total: Lenient[Count] = Field(None, validation_alias=TOTAL)
    tasks: Lenient[list[object]] = Field(None, validation_alias=AliasPath("result", "tasks"))
    output: object = Field(None, validation_alias=AliasPath("result", "output"))
    error: Words = ""


class _Inputs(Wire):
    inputs: list[object]


class _Answer(Wire):
    status: Words = ""
    message: Words = ""
    error: Words = ""
    detail: Words = ""


#: The vendor's words for what a resume did.
RESUME_STATUSES = {
    "resumed": ResumeStatus.RESUMED,
    "retrying": ResumeStatus.RETRYING,
    "completed": ResumeStatus.COMPLETED,
}


def parse_notification(body: bytes) -> Notification:
    """Read the human-input webhook.

    Only the two ids are indispensable. Anything optional that is odd is left out, and a missing
    output is empty: a crew that waits must not be lost over it. Raises Malformed.
    """
    wire = read(_Notification, body, "the notification does not say what it is about")
    urls = wire.urls()
    return Notification(
        execution_id=wire.execution_id,
        task_id=wire.task_id,
        output=_output(wire.output),
        task_name=wire.task_name or wire.name,
        task_description=wire.task_description or wire.description,
        expected_output=wire.expected_output,
        agent=wire.agent,
        summary=wire.summary,
        webhooks=urls.or_else(wire.meta.urls()) if wire.meta else urls,
    )


def parse_execution_id(body: bytes) -> str:
    """Whom a task, step or crew webhook is about. Raises Malformed."""
    return read(_Execution, body, "the webhook does not say what it is about").execution_id


def resume_body(
    execution_id: str, task_id: str, decision: Decision, webhooks: WebhookUrls
) -> dict[str, object]:
    """The body of `POST /resume`: the four required fields, and the URLs that there are."""
    body: dict[str, object] = {
        "execution_id": execution_id,
        "task_id": task_id,
        "human_feedback": decision.human_feedback,
        "is_approve": decision.is_approve,
    }
    urls = {
        "taskWebhookUrl": webhooks.task,
        "stepWebhookUrl": webhooks.step,
        "crewWebhookUrl": webhooks.crew,
    }
    body |= {name: url for name, url in urls.items() if url}
    if webhooks.human_input is not None:
        body["humanInputWebhook"] = _human_input_body(webhooks.human_input)
    return body


def parse_resume_answer(body: bytes) -> tuple[str, ResumeStatus | None]:
    """What the crew says to a resume that it took: `resumed: message` in one line, and RESUMED.

    Empty and None when it says nothing that can be understood; never raises, for it was taken all
    the same.
    """
    try:
        answer = _Answer.model_validate(parse_object(body))
    except Malformed:
        return "", None
    words = one_line(": ".join(word for word in (answer.status, answer.message) if word))
    return words, RESUME_STATUSES.get(answer.status.lower())


def parse_status(body: bytes) -> Progress:
    """Read the answer to `GET /status/{kickoff_id}`. Raises Malformed."""
    wire = read(_Status, body, "the crew's status has no status")
    finished = None if wire.tasks is None else len(wire.tasks)
    return Progress(
        state=wire.state,
        current_task=wire.current_task,
        completed_tasks=finished if wire.completed is None else wire.completed,
        total_tasks=finished if wire.total is None else wire.total,
        error=wire.error or None,
        result=None if wire.output is None else _output(wire.output),
    )


def parse_inputs(body: bytes) -> tuple[str, ...]:
    """Read the answer to `GET /inputs`: the names of the required inputs. Raises Malformed."""
    wire = read(_Inputs, body, "the crew's inputs are not a list")
    return tuple(clean(name) for name in wire.inputs if isinstance(name, str))


def parse_error(body: bytes) -> str:
    """The crew's own words about what went wrong, in one line; never raises."""
    text = body.decode(errors="replace")
    try:
        answer = _Answer.model_validate(parse_object(body))
    except Malformed:
        if text.lstrip().startswith("<"):  # a proxy's page; its markup says nothing
            text = re.sub(
                r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE
            )
        return one_line(text)
    return answer.message or answer.error or answer.detail or one_line(text)


def _output(value: object) -> Output:
    match value:
        case None:
            return Output("")
        case str(text) | {"raw": str(text)}:
            return Output(clean(text))
    return Output(clean(pretty(value)), Format.JSON)


def _human_input_body(webhook: HumanInputWebhook) -> dict[str, object]:
    if webhook.strategy is None:
        return {"url": webhook.url}
    credentials = {
        "token": webhook.token,
        "username": webhook.username,
        "password": webhook.password,
    }
    known = {name: value for name, value in credentials.items() if value is not None}
    return {"url": webhook.url, "authentication": {"strategy": webhook.strategy, **known}}

"""Names and objects on the wire that several payloads share.

CrewAI's own pages disagree about names, so all names are read: the first present, non-null name
of a field counts.
"""

from typing import Final, Literal

from pydantic import AliasChoices, AwareDatetime, Field

from crewgate.crewai.fields import Id, Lenient, Url, Verbatim, Wire
from crewgate.domain.notification import Ask, HumanInputWebhook, WebhookUrls
from crewgate.domain.redaction import MARK

EXECUTION_ID: Final = AliasChoices("execution_id", "executionId", "kickoff_id", "kickoffId")
TASK_ID: Final = AliasChoices("task_id", "taskId")
OUTPUT: Final = ("task_output", "taskOutput", "output", "result")
TASK_NAME: Final = AliasChoices("task_name", "taskName")
EXPECTED_OUTPUT: Final = AliasChoices("expected_output", "expectedOutput")
TASK_URL: Final = AliasChoices("taskWebhookUrl", "task_webhook_url")
STEP_URL: Final = AliasChoices("stepWebhookUrl", "step_webhook_url")
CREW_URL: Final = AliasChoices("crewWebhookUrl", "crew_webhook_url")
HUMAN_INPUT: Final = AliasChoices("humanInputWebhook", "human_input_webhook")
HUMAN_INPUT_URL: Final = AliasChoices("humanInputWebhookUrl", "human_input_webhook_url")


def _names(*fields: AliasChoices) -> frozenset[str]:
    return frozenset(str(name) for one in fields for name in one.choices)


#: All names under which the bot reads the webhook URLs for tasks, steps and crews.
UPDATE_NAMES: Final = _names(TASK_URL, STEP_URL, CREW_URL)
#: The one name under which the bot sends each of these URLs.
URLS: Final = tuple(str(one.choices[0]) for one in (TASK_URL, STEP_URL, CREW_URL))
WEBHOOK_NAMES: Final = UPDATE_NAMES | _names(HUMAN_INPUT, HUMAN_INPUT_URL)
#: The most outcomes that people can choose from: Slack's limit for a menu.
OUTCOMES: Final = 100
#: The longest label of an outcome that is offered, in characters; people can type a longer one.
LABEL_LIMIT: Final = 500
#: The known fields besides the output: a field of any other name may be the output.
KNOWN: Final = (
    WEBHOOK_NAMES
    | _names(EXECUTION_ID, TASK_ID, TASK_NAME, EXPECTED_OUTPUT)
    | {"agent", "crew_name", "description", "inputs", "meta", "name", "summary", "token_usage"}
    | {"ask", "outcome", "pause_id", "resume_extensions", "taskDescription", "task_description"}
    | {"erased", "next_task", "tool_call", "tools_used"}
)


def can_be_offered(label: str) -> bool:
    """Return False for a label that is blank or long, or of which `crewgate host` took a part."""
    return bool(label.strip()) and len(label) <= LABEL_LIMIT and MARK not in label


class _Bearer(Wire):
    strategy: Literal["bearer"]
    token: Verbatim


class _Basic(Wire):
    strategy: Literal["basic"]
    username: Verbatim
    password: Verbatim


class HumanInput(Wire):
    """A `humanInputWebhook`; unreadable credentials are left out."""

    url: Url
    authentication: Lenient[_Bearer | _Basic] = None

    def webhook(self) -> HumanInputWebhook:
        given = {} if self.authentication is None else self.authentication.model_dump()
        return HumanInputWebhook(self.url, **given).without_unreadable


class AskWire(Wire):
    """The `ask` that `crewgate host` adds to a question for words."""

    place: Id
    expires_at: Lenient[AwareDatetime] = None
    choices: Lenient[list[Verbatim]] = None
    """The answers to choose from, for `ask_people`."""

    def ask(self) -> Ask:
        choices = tuple(dict.fromkeys(filter(can_be_offered, self.choices or ())))[:OUTCOMES]
        return Ask(place=self.place, expires_at=self.expires_at, choices=choices)


class Webhooks(Wire):
    """The webhook URLs in an object; invalid URLs are left out."""

    task_url: Lenient[Url] = Field(None, validation_alias=TASK_URL)
    step_url: Lenient[Url] = Field(None, validation_alias=STEP_URL)
    crew_url: Lenient[Url] = Field(None, validation_alias=CREW_URL)
    human_input: Lenient[HumanInput] = Field(None, validation_alias=HUMAN_INPUT)
    human_input_url: Lenient[Url] = Field(None, validation_alias=HUMAN_INPUT_URL)

    def urls(self) -> WebhookUrls:
        bare = HumanInputWebhook(self.human_input_url) if self.human_input_url else None
        return WebhookUrls(
            task=self.task_url,
            step=self.step_url,
            crew=self.crew_url,
            human_input=self.human_input.webhook() if self.human_input else bare,
        )


class ExecutionRef(Wire):
    """The execution that an object is about."""

    execution_id: Id = Field(validation_alias=EXECUTION_ID)


def update_urls(urls: WebhookUrls) -> dict[str, str | None]:
    return dict(zip(URLS, (urls.task, urls.step, urls.crew), strict=True))


def human_input_body(webhook: HumanInputWebhook) -> dict[str, object]:
    if webhook.strategy is None:
        return {"url": webhook.url}
    names = ("strategy", "token", "username", "password")
    given = {name: value for name in names if (value := getattr(webhook, name)) is not None}
    return {"url": webhook.url, "authentication": given}

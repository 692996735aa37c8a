"""What a crew tells us when it pauses, and which webhook URLs belong to its execution."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum


class Format(StrEnum):
    """How an output is written."""

    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Output:
    """What an agent wrote. Never trusted. `JSON` outputs are pretty-printed text already."""

    text: str
    format: Format = Format.MARKDOWN

    @property
    def digest(self) -> str:
        """Equal for equal outputs; lets two rounds be compared without reading either."""
        return hashlib.sha256(f"{self.format}\n{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class HumanInputWebhook:
    """Where a crew announces the next pause, with the credentials it shall present."""

    url: str
    strategy: str | None = None
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookUrls:
    """The URLs a crew forgets at every pause."""

    task: str | None = None
    step: str | None = None
    crew: str | None = None
    human_input: HumanInputWebhook | None = None

    def __bool__(self) -> bool:
        return any((self.task, self.step, self.crew, self.human_input))

    def or_else(self, other: WebhookUrls) -> WebhookUrls:
        """These, and for each that is missing the one of `other`."""
        return WebhookUrls(
            task=self.task or other.task,
            step=self.step or other.step,
            crew=self.crew or other.crew,
            human_input=self.human_input or other.human_input,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The crew's human-input webhook, read."""

    execution_id: str
    task_id: str
    output: Output
    task_name: str | None = None
    task_description: str | None = None
    expected_output: str | None = None
    agent: str | None = None
    summary: str | None = None
    webhooks: WebhookUrls = WebhookUrls()

"""What a crew tells us when it pauses, and which webhook URLs belong to its execution."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

from crewgate.domain.given import Came
from crewgate.domain.redaction import url_secrets

#: What is kept of an optional text, such as a task's or agent's name, in characters.
TEXT_LIMIT: Final = 500


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

    @property
    def has_credentials(self) -> bool:
        """Whether a crew that presents what stands here presents credentials at all."""
        match self.strategy:
            case "bearer":
                return _is_readable(self.token)
            case "basic":
                return self.username is not None and _is_readable(self.password)
        return False

    @property
    def without_unreadable(self) -> HumanInputWebhook:
        """The same, but the bare address where its credentials cannot be read."""
        return self if self.has_credentials else HumanInputWebhook(self.url)

    @property
    def secret(self) -> str | None:
        """What must not be shown of it."""
        return self.password if self.strategy == "basic" else self.token


#: What stands in the place of a secret that somebody hid, or of one that was never filled in.
_PLACEHOLDERS: Final = frozenset(
    {"", "basic", "bearer", "hidden", "masked", "none", "null", "redacted", "undefined"}
)
_SCHEME: Final = re.compile(r"\s*(?:basic|bearer)\s+", re.IGNORECASE)
#: A part of a secret is hidden so too: `abc***`.
_MASK: Final = re.compile(r"[*\N{BULLET}]{3}|\N{HORIZONTAL ELLIPSIS}|\A[xX]+\Z")


def _is_readable(secret: str | None) -> bool:
    """Whether a secret is more than a placeholder."""
    if secret is None:
        return False
    bare = _SCHEME.sub("", secret, count=1)
    word = "".join(one for one in bare if one.isalnum()).lower()
    return word not in _PLACEHOLDERS and _MASK.search(bare) is None


@dataclass(frozen=True, slots=True)
class WebhookUrls:
    """The URLs a crew forgets at every pause."""

    task: str | None = None
    step: str | None = None
    crew: str | None = None
    human_input: HumanInputWebhook | None = None

    def __bool__(self) -> bool:
        return any((self.task, self.step, self.crew, self.human_input))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown of them."""
        found = [one for url in (self.task, self.step, self.crew) for one in url_secrets(url)]
        if self.human_input is not None and self.human_input.has_credentials:
            found.append(self.human_input.secret or "")
        return tuple(found)

    def or_else(self, other: WebhookUrls) -> WebhookUrls:
        """These, and for each that is missing the one of `other`.

        A human-input webhook without credentials counts as missing where the other has some.
        """
        mine, theirs = self.human_input, other.human_input
        bare = mine is not None and not mine.has_credentials
        better = bare and theirs is not None and theirs.has_credentials
        return WebhookUrls(
            task=self.task or other.task,
            step=self.step or other.step,
            crew=self.crew or other.crew,
            human_input=theirs if better else mine or theirs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The crew's human-input webhook, read."""

    VERBATIM: ClassVar = ("execution_id", "task_id", "webhooks")
    """The fields that are sent back as they came."""

    execution_id: str
    task_id: str
    output: Output
    task_name: str | None = None
    task_description: str | None = None
    expected_output: str | None = None
    agent: str | None = None
    summary: str | None = None
    inputs: Came | None = None
    """What the execution was started with, where the crew says so."""
    meta: Came = ()
    """What its caller said about the execution."""
    webhooks: WebhookUrls = WebhookUrls()

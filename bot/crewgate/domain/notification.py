"""The notification of a crew that pauses, and the webhook URLs of its execution."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from crewgate.domain.given import CallerValues
from crewgate.domain.redaction import url_secrets

#: The most that is kept of an optional text, such as a task's name, in characters.
TEXT_LIMIT: Final = 500
#: The limit of a line of a crew's own words, in characters; a longer one is kept cut, with "…".
WORDS_LIMIT: Final = 300
#: Stands for an address or a token that is stored encrypted, if no key of the bot opens it.
UNREADABLE: Final = ""


class Format(StrEnum):
    """The format of an output."""

    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Output:
    """An agent's text, never trusted. `JSON` outputs are pretty-printed text already."""

    text: str
    format: Format = Format.MARKDOWN

    @property
    def digest(self) -> str:
        """A value that is equal for equal outputs, to compare rounds without reading either."""
        return hashlib.sha256(f"{self.format}\n{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class HumanInputWebhook:
    """The address where a crew announces its next pause, with the credentials to present."""

    url: str
    strategy: str | None = None
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def has_credentials(self) -> bool:
        """It has credentials that a crew can present."""
        match self.strategy:
            case "bearer":
                return _is_readable(self.token)
            case "basic":
                return self.username is not None and _is_readable(self.password)
        return False

    @property
    def without_unreadable(self) -> "HumanInputWebhook":
        """The webhook, as a bare address if its credentials cannot be read."""
        return self if self.has_credentials else HumanInputWebhook(self.url)

    @property
    def secret(self) -> str | None:
        """The part that must not be shown."""
        return self.password if self.strategy == "basic" else self.token


#: Words in the place of a secret that somebody hid, or that was never filled in.
_PLACEHOLDERS: Final = frozenset(
    {"", "basic", "bearer", "hidden", "masked", "none", "null", "redacted", "undefined"}
)
_SCHEME: Final = re.compile(r"\s*(?:basic|bearer)\s+", re.IGNORECASE)
#: Marks of a hidden secret, also of one that is hidden in part: `abc***`.
_MASK: Final = re.compile(r"[*\N{BULLET}]{3}|\N{HORIZONTAL ELLIPSIS}|\A[xX]+\Z")


def _is_readable(secret: str | None) -> bool:
    """Return True if a secret is more than a placeholder."""
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
    def is_readable(self) -> bool:
        """True unless one of them is stored and cannot be read."""
        human_input = self.human_input and self.human_input.url
        return UNREADABLE not in (self.task, self.step, self.crew, human_input)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts that must not be shown."""
        found = [one for url in (self.task, self.step, self.crew) for one in url_secrets(url)]
        if self.human_input is not None and self.human_input.has_credentials:
            found.append(self.human_input.secret or "")
        return tuple(found)

    def or_else(self, other: "WebhookUrls") -> "WebhookUrls":
        """Return these URLs, with that of `other` for each that is missing.

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
class Ask:
    """A call of `Flow.ask()`, or a hook's: its text is the round's output; it takes any words."""

    place: str
    """The method, and which of its calls it is: the same where the flow begins again."""
    expires_at: datetime | None = None
    """The time when the flow goes on without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The crew's human-input webhook, parsed."""

    VERBATIM: ClassVar = ("execution_id", "task_id", "pause_id", "webhooks", "ask")
    """The fields that are sent back as they came."""

    execution_id: str
    task_id: str
    output: Output
    task_name: str | None = None
    expected_output: str | None = None
    agent: str | None = None
    inputs: CallerValues | None = None
    """The inputs of the execution, if the crew says them."""
    meta: CallerValues = ()
    """Values from its caller about the execution."""
    webhooks: WebhookUrls = WebhookUrls()
    ask: Ask | None = None
    """A hook asks in the middle of the task; None: the output is the task's."""
    pause_id: str | None = None
    """The id of the pause, by which its repeated notification is known."""
    takes_edits: bool = False
    """Whoever runs the crew takes another text in the place of this output."""
    takes_key: bool = False
    """Whoever runs the crew knows a decision that is sent again by its key."""

"""The question of a flow that pauses or of a crew's hook, and where it is answered."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from crewgate.domain.given import CallerValues
from crewgate.domain.notification import UNREADABLE, Ask, Output
from crewgate.domain.people import Email
from crewgate.domain.redaction import Redactor, url_secrets

#: The most assignees of one request.
ASSIGNED_LIMIT: Final = 50
#: The pause between calls by escalations; one may come again, or be repeated by somebody else.
CALLED_EVERY: Final = timedelta(hours=1)
#: The longest last segment of a URL that is a name: a longer one may be a token.
_NAME_LIMIT: Final = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question of a flow: a text and, mostly, labels to choose from."""

    request_id: str
    """Empty for the question of a crew's hook, which `/resume` answers."""
    message: str = ""
    outcomes: tuple[str, ...] = ()
    """The labels that the flow knows, in its order; sent back exactly as they came."""
    left_off: int = 0
    """The number of further labels, which can only be answered in words."""
    assigned: tuple[Email, ...] = ()
    """The assignees; they decide if the settings name no reviewers."""
    called_at: datetime | None = None
    """The time of the last escalation that called them."""
    host_refused: bool = False
    """The settings did not allow the host of its callback when it came."""
    ask: Ask | None = None
    """None for what a method under `@human_feedback` asks."""

    @property
    def is_of_crew(self) -> bool:
        """True for the question of a hook, in the middle of a crew's task."""
        return not self.request_id

    @property
    def expires_at(self) -> datetime | None:
        """The time when the flow goes on without an answer, if it does."""
        return None if self.ask is None else self.ask.expires_at


@dataclass(frozen=True, slots=True)
class Callback:
    """The address that takes the answer. Whoever has it can answer, once."""

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def is_readable(self) -> bool:
        """True unless it is stored and cannot be read."""
        return self.url != UNREADABLE

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts that must not be shown."""
        found = {self.url, self.token or "", *url_secrets(self.url)}
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return tuple(filter(None, found))
        found.update(value for _, value in parse_qsl(parts.query))
        last = unquote(parts.path.rstrip("/").rpartition("/")[2])
        if len(last) > _NAME_LIMIT:
            found.add(last)
        return tuple(filter(None, found))


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequest:
    """A flow's webhook, parsed: it pauses in a method and asks, or asks with more urgency."""

    VERBATIM: ClassVar = ("flow_id", "method", "question", "callback")
    """The fields that are sent back as they came, or have parts that are."""

    flow_id: str
    """The execution; it stays the same for all its pauses."""
    method: str
    question: Question
    output: Output
    callback: Callback
    flow_name: str | None = None
    """The name of the flow."""
    meta: CallerValues = ()
    """Values from its caller about the execution, or its state."""
    escalation: bool = False
    """It was sent before, and nobody has answered for long."""


def without_secrets(request: FlowRequest, redactor: Redactor) -> FlowRequest:
    """Return a request without secrets in the parts that people see.

    A label with a secret is not offered, for it could not be sent back as it came.
    """
    question = request.question
    outcomes = tuple(one for one in question.outcomes if redactor.text(one) == one)
    clean = replace(
        question,
        message=redactor.text(question.message),
        outcomes=outcomes,
        left_off=question.left_off + len(question.outcomes) - len(outcomes),
    )
    return replace(redactor.fields(request, keep=FlowRequest.VERBATIM), question=clean)


class Reading(StrEnum):
    """The meaning of a label to people."""

    APPROVAL = "approval"
    REJECTION = "rejection"
    REVISION = "revision"
    OTHER = "other"


_READINGS: Final = {
    Reading.APPROVAL: "accept accepted approve approved lgtm ok okay yes",
    Reading.REJECTION: "decline declined denied deny no refuse refused reject rejected",
    Reading.REVISION: (
        "change_requested changes_needed changes_requested needs_changes needs_revision"
        " needs_revisions needs_rework needs_work request_changes request_revision"
        " requires_revision revise revision revision_needed rework"
    ),
}
_WORDS: Final = {word: reading for reading, words in _READINGS.items() for word in words.split()}
#: Longer labels are not looked at.
_LONGEST: Final = max(map(len, _WORDS))


def reading_of(label: str) -> Reading:
    """Return the meaning of a label; only whole labels count, so `not approved` has none."""
    text = label.strip()
    if len(text) > _LONGEST:
        return Reading.OTHER
    return _WORDS.get(re.sub(r"[\s_-]+", "_", text.casefold()), Reading.OTHER)


def approval_of(question: Question) -> str | None:
    """Return the first label that reads as an approval."""
    labels = (one for one in question.outcomes if reading_of(one) is Reading.APPROVAL)
    return next(labels, None)

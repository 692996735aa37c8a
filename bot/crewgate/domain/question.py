"""What a flow asks people when it pauses, and where its answer goes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from crewgate.domain.given import Came
from crewgate.domain.notification import Output
from crewgate.domain.people import Email
from crewgate.domain.redaction import Redactor, url_secrets

#: How many people of one request may decide.
ASSIGNED_LIMIT: Final = 50
#: How often an escalation may call people; it may come again, or be repeated by somebody else.
CALLED_EVERY: Final = timedelta(hours=1)
#: The longest part of an address that is a name: what is longer at its end may be a token.
_NAME_LIMIT: Final = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a round asks that came from a flow: a text and, mostly, outcomes to choose from."""

    request_id: str
    message: str = ""
    outcomes: tuple[str, ...] = ()
    """The labels that the flow knows, in its order; sent back exactly as they came."""
    left_off: int = 0
    """How many more there are, which can only be answered in words."""
    assigned: tuple[Email, ...] = ()
    """Whom the request names; they decide where the settings name nobody."""
    called_at: datetime | None = None
    """When an escalation called them last."""
    host_refused: bool = False
    """When it came, the settings did not let the host be called at which it is answered."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Where the answer goes. Whoever has the address can answer, once."""

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown of it."""
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
    """A flow's webhook, read: it pauses in a method and asks, or asks with more urgency."""

    VERBATIM: ClassVar = ("flow_id", "method", "question", "callback")
    """The fields that are sent back as they came, or have some that are."""

    flow_id: str
    """The execution; it stays the same for all its pauses."""
    method: str
    question: Question
    output: Output
    callback: Callback
    flow_name: str | None = None
    """What the flow is called."""
    meta: Came = ()
    """What its caller said about the execution, or its state."""
    escalation: bool = False
    """It was sent before; nobody has answered for long."""


def without_secrets(request: FlowRequest, redactor: Redactor) -> FlowRequest:
    """A request without secrets in what people are shown; a label that has one is not offered."""
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
    """What an outcome's label means to people."""

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
#: No label that is longer is looked at.
_LONGEST: Final = max(map(len, _WORDS))


def reading_of(label: str) -> Reading:
    """What a label reads as; only whole labels count, so `not approved` reads as nothing."""
    text = label.strip()
    if len(text) > _LONGEST:
        return Reading.OTHER
    return _WORDS.get(re.sub(r"[\s_-]+", "_", text.casefold()), Reading.OTHER)


def approval_of(question: Question) -> str | None:
    """The first outcome that reads as an approval."""
    labels = (one for one in question.outcomes if reading_of(one) is Reading.APPROVAL)
    return next(labels, None)

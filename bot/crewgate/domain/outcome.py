"""What came of trying something outside.

The four cases differ in one question: did it take effect? Delivered: yes. NotSent: surely not,
try again. Refused: surely not, and trying again would not help. Unknown: nobody can say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ResumeStatus(StrEnum):
    """What a crew says that a resume did."""

    RESUMED = "resumed"
    RETRYING = "retrying"
    """The crew does the task again and will pause on it again."""
    COMPLETED = "completed"


class RefusalKind(StrEnum):
    """What a refusal is about, as far as it changes what is done next."""

    CONTENT = "content"
    """Slack does not take what the message says; a plainer one may pass."""
    MESSAGE_GONE = "message_gone"
    """The message was deleted in Slack."""
    THREAD_GONE = "thread_gone"
    """The thread's first message was deleted in Slack."""
    PERMANENT = "permanent"
    """Slack will never take this, however often it is tried: a setting of the workspace, or a
    message that cannot be changed any more."""
    NOT_ALLOWED = "not_allowed"
    """This bot may not do this one thing: it lacks a scope or a permission."""
    ANSWERED = "answered"
    """A flow has an answer to this request already."""
    SPENT = "spent"
    """A flow does not accept this request's token: it was never right, or was used once."""
    REQUEST_GONE = "request_gone"
    """A flow does not know this request any more."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Delivered:
    """It took effect. `words` is the other side's own answer.

    `status` is what a crew said that a resume did, `outcome` what a flow made of an answer, where
    they said so.
    """

    words: str = ""
    status: ResumeStatus | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It surely did not take effect and may be tried again, not before `retry_after`.

    `why` is in our own words, for the log too; `words` are the other side's, for people only.
    `code` is the other side's own error code, where it gave one. `alone`: this says nothing of
    anything else for the same destination.
    """

    why: str
    retry_after: timedelta | None = None
    code: str = ""
    alone: bool = False
    words: str = ""

    @property
    def told(self) -> str:
        """Why, for people."""
        return _told(self.why, self.words)


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side said no.

    `code` is its error code or HTTP status and `words` its own words: both are for people. `kind`
    is for us.
    """

    code: str
    words: str
    kind: RefusalKind = RefusalKind.OTHER


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost, so it may have taken effect.

    `why` is in our own words, for the log too; `words` are the other side's, for people only.
    """

    why: str
    words: str = ""

    @property
    def told(self) -> str:
        """Why, for people."""
        return _told(self.why, self.words)


def _told(why: str, words: str) -> str:
    return f"{why}: {words}" if words else why


Outcome = Delivered | NotSent | Refused | Unknown

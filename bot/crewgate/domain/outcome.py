"""The outcome of trying something outside.

The four cases answer one question: did it take effect? Delivered: yes. NotSent: surely not, try
again. Refused: surely not, and trying again would not help. Unknown: nobody can say.
"""

from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from enum import StrEnum


class ResumeStatus(StrEnum):
    """The effect of a resume, as the crew says."""

    RESUMED = "resumed"
    RETRYING = "retrying"
    """The crew does the task again and will pause on it again."""
    COMPLETED = "completed"


class RefusalKind(StrEnum):
    """The cause of a refusal, if the cause matters for the next step."""

    CONTENT = "content"
    """Slack does not take the content of the message; a plainer one may pass."""
    MESSAGE_GONE = "message_gone"
    THREAD_GONE = "thread_gone"
    PERMANENT = "permanent"
    """Slack will never take this: a setting of the workspace, or a message that cannot change."""
    NOT_ALLOWED = "not_allowed"
    OFF = "off"
    """The app was installed without an optional scope, which the words name."""
    ANSWERED = "answered"
    """Nothing waits for this answer: another answer was taken, or its call was closed."""
    EXPIRED = "expired"
    """The time of an approval of a call is over."""
    ARGUMENTS = "arguments"
    """The tool does not take the arguments that a person wrote."""
    SPENT = "spent"
    """A flow does not accept this request's token: it is wrong, or was used once."""
    REQUEST_GONE = "request_gone"
    REQUEST_OVER = "request_over"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Exchange:
    """The bytes of a try, sent and received; only their digests are stored."""

    sent: bytes
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class OutcomeBase:
    """The base of outcomes, with the bytes of the try where they are known."""

    exchange: Exchange | None = field(default=None, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Delivered(OutcomeBase):
    """The try took effect. `words` is the other side's own answer.

    `status` is the effect of a resume and `label` the label that a flow made of an answer; both
    only if the answer says so.
    """

    words: str = ""
    status: ResumeStatus | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class NotSent(OutcomeBase):
    """The try surely did not take effect; it may be repeated, not before `retry_after`.

    `why` is in our own words, for the log too; `words` are the other side's, for people only.
    `code` is the other side's error code, if any. `alone`: the cause lies in this effect; other
    effects may arrive.
    """

    why: str
    retry_after: timedelta | None = None
    _: KW_ONLY
    code: str = ""
    alone: bool = False
    words: str = ""

    @property
    def told(self) -> str:
        return _told(self.why, self.words)


@dataclass(frozen=True, slots=True)
class Refused(OutcomeBase):
    """A refusal by the other side, or by the bot itself: trying again would not help.

    `code` is an error code or HTTP status, and `words` say why: both are for people. By `kind` the
    bot chooses what to do next.
    """

    code: str
    words: str
    kind: RefusalKind = RefusalKind.OTHER

    @property
    def by_crew(self) -> bool:
        """True if the crew answered with an HTTP status; else the code is our own."""
        return self.code.isdecimal()


@dataclass(frozen=True, slots=True)
class Unknown(OutcomeBase):
    """The answer was lost, so the try may have taken effect.

    `why` is in our own words, for the log too; `words` are the other side's, for people only.
    """

    why: str
    words: str = ""
    code: str = ""
    """The status of an answer that only says that the other side failed; empty if none came."""

    @property
    def told(self) -> str:
        return _told(self.why, self.words)


def _told(why: str, words: str) -> str:
    return f"{why}: {words}" if words else why


Outcome = Delivered | NotSent | Refused | Unknown

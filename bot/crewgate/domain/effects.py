"""What must now happen outside.

An effect holds ids only and is rendered from the present state when it is carried out, so that
neither order nor repetition hurts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class EffectKind(StrEnum):
    """What to do. `subject` is a round's id.

    For REPORT a dead letter's, for FORWARD a forwarded webhook's, for ACKNOWLEDGE_NOTE
    `channel ts`. For what is about an execution it is that one's id.
    """

    POST = "post"
    """Post the round's card in the execution's thread (the first one starts the thread)."""
    REPOST = "repost"
    """Post the card again: somebody deleted it while it must be acted on."""
    ATTACH = "attach"
    """Put the whole output as a file into the thread: the card shows an excerpt."""
    ATTACH_FAILED = "attach_failed"
    """Say that the output could not be attached."""
    REFRESH = "refresh"
    """Bring the round's card up to date, and have the direct messages about it follow."""
    REFRESH_FAILED = "refresh_failed"
    """Say where the round stands: its card cannot be brought up to date."""
    RESUME = "resume"
    """Tell the crew the decision: `POST /resume`."""
    NOTIFY_STUCK = "notify_stuck"
    """Tell the reviewer, in the thread, that the decision did not reach the crew."""
    CALL_ASSIGNED = "call_assigned"
    """Mention, in the thread, whom a flow's request names: nobody has answered it for long."""
    TELL_REVIEWERS = "tell_reviewers"
    """Have each reviewer told in private that a round waits."""
    DIRECT_MESSAGE = "direct_message"
    """Tell one person in private; the subject is `round person`."""
    REFRESH_DIRECT_MESSAGE = "refresh_direct_message"
    """Bring one direct message up to date; the subject is the same."""
    TELL_OPERATOR = "tell_operator"
    """Tell one operator in private that the channel refuses posts; the subject is `code person`."""
    REPORT = "report"
    """Report, in the crew's channel, a webhook that could not be understood."""
    REFRESH_REPORT = "refresh_report"
    """Bring that report up to date; the subject is the dead letter's id."""
    PROGRESS = "progress"
    """Post the message that shows how far an execution is, or have it brought up to date."""
    REFRESH_PROGRESS = "refresh_progress"
    """Bring that message up to date."""
    POST_RESULT = "post_result"
    """Post how an execution ended."""
    RESULT_FILE = "result_file"
    """Put the whole result as a file into the thread: the message shows an excerpt."""
    RESULT_FILE_FAILED = "result_file_failed"
    """Say that the result could not be attached."""
    POLL_STATUS = "poll_status"
    """Ask the crew how far an execution is: `GET /status`."""
    FORWARD = "forward"
    """Pass a webhook on to the URL its caller gave; the subject is the forwarded webhook."""
    FORWARD_FAILED = "forward_failed"
    """Say that a webhook was not taken there; the subject is its kind."""
    ACKNOWLEDGE_NOTE = "acknowledge_note"
    """Acknowledge a note in the thread, and offer its author to send the notes."""
    EXPIRE_CLAIM = "expire_claim"
    """Nobody is on the round any more: have its card brought up to date."""
    REMIND = "remind"
    """It is time to remind those who have not decided."""
    POST_REMINDER = "post_reminder"
    """Remind them, in the thread."""
    REMIND_PRIVATELY = "remind_privately"
    """Remind one person in private; the subject is `round person number`."""
    ESCALATE = "escalate"
    """It is time to let more people decide."""
    POST_ESCALATED = "post_escalated"
    """Call them, in the thread."""
    TIME_OUT = "time_out"
    """It is time for the rule to do what it says for when nobody decides."""
    POST_TIMED_OUT = "post_timed_out"
    """Say so in the thread."""


POSTS_A_CARD: Final = frozenset({EffectKind.POST, EffectKind.REPOST})
"""They have no deadline: they are tried until Slack takes the card."""
NEEDS_THE_CARD: Final = frozenset({EffectKind.ATTACH, EffectKind.REFRESH})
"""They wait for what posts the card of the same round."""
MERGED: Final = frozenset(
    {
        EffectKind.REFRESH,
        EffectKind.REFRESH_PROGRESS,
        EffectKind.REFRESH_DIRECT_MESSAGE,
        EffectKind.REFRESH_REPORT,
    }
)
"""They bring about the present state, so of several that wait in one ordering key one is enough."""
IN_ORDER: Final = POSTS_A_CARD | {
    EffectKind.ATTACH_FAILED,
    EffectKind.CALL_ASSIGNED,
    EffectKind.FORWARD_FAILED,
    EffectKind.NOTIFY_STUCK,
    EffectKind.POST_ESCALATED,
    EffectKind.POST_REMINDER,
    EffectKind.POST_RESULT,
    EffectKind.POST_TIMED_OUT,
    EffectKind.PROGRESS,
    EffectKind.REFRESH_FAILED,
    EffectKind.REPORT,
    EffectKind.RESULT_FILE_FAILED,
}
"""They post a message, and the messages of an execution are one thread: it grows in order."""
TIMED: Final = frozenset({EffectKind.REMIND, EffectKind.ESCALATE, EffectKind.TIME_OUT})
"""They wait for their time and then only change the database, so nothing holds them up."""
OF_WAITING: Final = TIMED | {EffectKind.POST_REMINDER, EffectKind.POST_ESCALATED}
"""They are about a round that waits, and go when it waits no more."""
_OF_AN_EXECUTION: Final = frozenset(
    {EffectKind.POLL_STATUS, EffectKind.REFRESH_PROGRESS, EffectKind.RESULT_FILE}
)

_POST_SOON: Final = POSTS_A_CARD | {EffectKind.PROGRESS}
"""What people wait for: cards, and what may be the first message of a card's thread."""

SLACK = "slack"
POSTS_PREFIX: Final = "posts:"
TIMER = "timer"
"""Nobody is called: what was to happen at some time does."""
UPDATES = "updates"
"""Where messages in Slack are changed: Slack limits these by workspace, posts by channel."""


def posts_destination(crew: str) -> str:
    """Where one crew's messages are posted: its channel, which takes about one a second."""
    return POSTS_PREFIX + crew


def goes_to_slack(destination: str) -> bool:
    """Whether messages in Slack are what is delivered there."""
    return destination in {SLACK, UPDATES} or destination.startswith(POSTS_PREFIX)


def crew_destination(crew: str) -> str:
    """The destination that one crew is."""
    return f"crew:{crew}"


def status_destination(crew: str) -> str:
    """Where one crew is asked for statuses; its silence says nothing of its resumes."""
    return f"status:{crew}"


def forward_destination(crew: str) -> str:
    """Where one crew's callers listen; their being slow never holds up the crew's resumes."""
    return f"forward:{crew}"


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do outside, about one subject of one crew's execution."""

    kind: EffectKind
    subject: str
    crew: str
    execution_id: str
    elsewhere: str | None = None
    """The channel of a round's card, where its thread is another than the execution's."""

    @property
    def destination(self) -> str:
        """Who is called: Slack, or one crew. An outage of one never holds up another."""
        if self.kind in IN_ORDER:
            return posts_destination(self.crew)
        if self.kind in MERGED:
            return UPDATES
        if self.kind in TIMED:
            return TIMER
        return self._called

    @property
    def _called(self) -> str:
        match self.kind:
            case EffectKind.RESUME:
                return crew_destination(self.crew)
            case EffectKind.POLL_STATUS:
                return status_destination(self.crew)
            case EffectKind.FORWARD:
                return forward_destination(self.crew)
            case _:
                return SLACK

    @property
    def priority(self) -> int:
        """What goes first where a destination cannot take all at once: the lowest number."""
        if self.kind in MERGED:
            return int(self.kind is not EffectKind.REFRESH)
        return int(self.kind in IN_ORDER and self.kind not in _POST_SOON)

    @property
    def ordering_key(self) -> str:
        """Effects of one ordering key are carried out in order.

        Posts about an execution have one for each channel, for each has a thread of its own and may
        refuse what another takes. So have the webhooks of it that are forwarded.
        Everything else has one of its own for each subject: what is refused or waits, such as a
        file, a card's update or a resume, must not hold up what counts.
        """
        if self.kind in IN_ORDER:
            elsewhere = "" if self.elsewhere is None else f" {self.elsewhere}"
            return f"{SLACK} {self.crew} {self.execution_id}{elsewhere}"
        if self.kind is EffectKind.FORWARD:
            return f"{self.destination} {self.crew} {self.execution_id}"
        if self.kind in _OF_AN_EXECUTION:
            return f"{self.kind.value} {self.crew} {self.execution_id}"
        return f"{self.kind.value} {self.subject}"

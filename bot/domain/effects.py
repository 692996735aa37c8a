"""What must now happen outside.

An effect holds ids only and is rendered from the present state when it is carried out, so that
neither order nor repetition hurts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EffectKind(StrEnum):
    """What to do. `subject` is a round's id.

    For REPORT a dead letter's, for TASK_DONE a task update's, for FORWARD a forwarded webhook's,
    for ACKNOWLEDGE_NOTE `channel ts`.
    """

    POST = "post"
    """Post the round's card in the execution's thread (the first one starts the thread)."""
    ATTACH = "attach"
    """Put the whole output as a file into the thread: the card shows an excerpt."""
    REFRESH = "refresh"
    """Bring the round's card up to date."""
    RESUME = "resume"
    """Tell the crew the decision: `POST /resume`."""
    NOTIFY_STUCK = "notify_stuck"
    """Tell the reviewer, in the thread, that the decision did not reach the crew."""
    REPORT = "report"
    """Report, in the crew's channel, a webhook that could not be understood."""
    PROGRESS = "progress"
    """Post or bring up to date the message that shows how far an execution is."""
    TASK_DONE = "task_done"
    """Post a finished task's line in the thread; the subject is the task update."""
    POST_RESULT = "post_result"
    """Post how an execution ended."""
    RESULT_FILE = "result_file"
    """Put the whole result as a file into the thread: the message shows an excerpt."""
    POLL_STATUS = "poll_status"
    """Ask the crew how far an execution is: `GET /status`."""
    FORWARD = "forward"
    """Pass a webhook on to the URL its caller gave; the subject is the forwarded webhook."""
    FORWARD_FAILED = "forward_failed"
    """Say that a webhook was not taken there; the subject is its kind."""
    ACKNOWLEDGE_NOTE = "acknowledge_note"
    """Acknowledge a note in the thread, and offer its author to send the notes."""
    EXPIRE_CLAIM = "expire_claim"
    """Nobody is on the round any more: bring its card up to date."""


SLACK = "slack"


def crew_destination(crew: str) -> str:
    """The destination that one crew is."""
    return f"crew:{crew}"


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

    @property
    def destination(self) -> str:
        """Who is called: Slack, or one crew. An outage of one never holds up another."""
        match self.kind:
            case EffectKind.RESUME | EffectKind.POLL_STATUS:
                return crew_destination(self.crew)
            case EffectKind.FORWARD:
                return forward_destination(self.crew)
            case _:
                return SLACK

    @property
    def ordering_key(self) -> str:
        """Effects of one ordering key are carried out in order.

        For Slack that is an execution, so that its thread grows in order. A resume has a key of
        its own: the state machine orders them, and an old one that waits must not hold up one
        that counts.
        """
        if self.kind is EffectKind.RESUME:
            return f"resume {self.subject}"
        if self.kind is EffectKind.POLL_STATUS:
            return f"poll_status {self.crew} {self.execution_id}"
        if self.kind is EffectKind.EXPIRE_CLAIM:
            # Due in half an hour; the thread does not wait for it.
            return f"expire_claim {self.subject}"
        return f"{self.destination} {self.crew} {self.execution_id}"

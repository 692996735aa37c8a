"""What must now happen outside.

An effect holds ids only and is rendered from the present state when it is carried out, so that
neither order nor repetition hurts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EffectKind(StrEnum):
    """What to do. `subject` is a round's id, for REPORT a letter's, for NOTED `channel ts`."""

    POST = "post"
    """Post the round's card in the execution's thread (the first one starts the thread)."""
    ATTACH = "attach"
    """Put the whole output as a file into the thread: the card shows an excerpt."""
    REFRESH = "refresh"
    """Bring the round's card up to date."""
    RESUME = "resume"
    """Tell the crew the decision: `POST /resume`."""
    TELL = "tell"
    """Tell the reviewer, in the thread, that the decision did not reach the crew."""
    REPORT = "report"
    """Report, in the crew's channel, a webhook that could not be understood."""
    PROGRESS = "progress"
    """Post or bring up to date the message that shows how far an execution is."""
    TASK_DONE = "task_done"
    """Post a finished task's line in the thread; the subject is the news."""
    CONCLUDE = "conclude"
    """Post how an execution ended."""
    RESULT_FILE = "result_file"
    """Put the whole result as a file into the thread: the message shows an excerpt."""
    FOLLOW = "follow"
    """Ask the crew how far an execution is: `GET /status`."""
    HAND_ON = "hand_on"
    """Pass a webhook on to the URL its caller gave; the subject is the parcel."""
    NOT_HANDED_ON = "not_handed_on"
    """Say that a webhook was not taken there; the subject is its kind."""
    NOTED = "noted"
    """Acknowledge a note in the thread, and offer its author to send the notes."""
    RELEASE = "release"
    """Nobody is on the round any more: bring its card up to date."""


SLACK = "slack"


def crew_destination(crew: str) -> str:
    """The destination that one crew is."""
    return f"crew:{crew}"


def hand_on_destination(crew: str) -> str:
    """Where one crew's callers listen; their being slow never holds up the crew's resumes."""
    return f"hand on:{crew}"


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
            case EffectKind.RESUME | EffectKind.FOLLOW:
                return crew_destination(self.crew)
            case EffectKind.HAND_ON:
                return hand_on_destination(self.crew)
            case _:
                return SLACK

    @property
    def lane(self) -> str:
        """Effects of one lane are carried out in order.

        For Slack a lane is an execution, so that its thread grows in order. A resume has a lane
        to itself: the state machine orders them, and an old one that waits must not hold up one
        that counts.
        """
        if self.kind is EffectKind.RESUME:
            return f"resume {self.subject}"
        if self.kind is EffectKind.FOLLOW:
            return f"follow {self.crew} {self.execution_id}"
        if self.kind is EffectKind.RELEASE:
            # Due in half an hour; the thread does not wait for it.
            return f"release {self.subject}"
        return f"{self.destination} {self.crew} {self.execution_id}"

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
    NOTED = "noted"
    """Acknowledge a note in the thread, and offer its author to send the notes."""
    RELEASE = "release"
    """Nobody is on the round any more: bring its card up to date."""


SLACK = "slack"


def crew_destination(crew: str) -> str:
    """The destination that one crew is."""
    return f"crew:{crew}"


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
        return crew_destination(self.crew) if self.kind is EffectKind.RESUME else SLACK

    @property
    def lane(self) -> str:
        """Effects of one lane are carried out in order.

        For Slack a lane is an execution, so that its thread grows in order. A resume has a lane
        to itself: the state machine orders them, and an old one that waits must not hold up one
        that counts.
        """
        if self.kind is EffectKind.RESUME:
            return f"resume {self.subject}"
        if self.kind is EffectKind.RELEASE:
            # Due in half an hour; the thread does not wait for it.
            return f"release {self.subject}"
        return f"{self.destination} {self.crew} {self.execution_id}"

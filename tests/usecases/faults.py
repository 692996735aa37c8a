"""What goes wrong when a stand-in is told to."""

from dataclasses import dataclass

from crewgate.domain.outcome import (
    NotSent,
    Refused,
    Unknown,
)

AWAY = NotSent("connection refused")


LOST = Unknown("no answer")


class Crashed(BaseException):
    """The process died in the middle of a call."""


@dataclass(frozen=True)
class Fault:
    """What comes of the next call instead of an answer. `after`: once it has taken effect."""

    outcome: NotSent | Refused | Unknown | type[Crashed]
    after: bool = False

    def strike(self) -> NotSent | Refused | Unknown:
        if isinstance(self.outcome, type):
            raise self.outcome
        return self.outcome

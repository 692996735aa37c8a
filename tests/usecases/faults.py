"""Faults that tests order from stand-ins."""

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
    """The outcome of the next call in place of its answer. `after`: once it has taken effect."""

    outcome: NotSent | Refused | Unknown | type[Crashed]
    after: bool = False

    def strike(self) -> NotSent | Refused | Unknown:
        if isinstance(self.outcome, type):
            raise self.outcome
        return self.outcome

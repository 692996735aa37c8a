"""What came of trying something outside.

The four cases differ in one question: did it take effect? Delivered: yes. NotSent: surely not,
try again. Refused: surely not, and trying again would not help. Unknown: nobody can say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Delivered:
    """It took effect. `words` is the other side's own answer, `ref` what it called the result."""

    words: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It surely did not take effect and may be tried again, not before `retry_after`.

    `code` is the other side's own error code, where it gave one. `alone`: this says nothing of
    anything else for the same destination.
    """

    why: str
    retry_after: timedelta | None = None
    code: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side said no. `code` is its error code or HTTP status, `words` its own words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost, so it may have taken effect."""

    why: str


Outcome = Delivered | NotSent | Refused | Unknown

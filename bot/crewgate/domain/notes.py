"""Notes: what people wrote in the thread while a round was waiting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.verdict import FEEDBACK_LIMIT, Person

#: After this long nobody is on it any more.
CLAIM_LASTS: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One message of a person in the thread, as it reads now; named by channel and ts."""

    channel: str
    ts: str
    round_id: str
    by: Person
    text: str
    at: datetime

    @property
    def attributed(self) -> str:
        """The note with its author, as it goes into the feedback."""
        return f"{self.by.name}: {self.text}"

    @property
    def fits(self) -> bool:
        """Whether the feedback can hold it at all."""
        return _fits(self.attributed)

    def attributed_part(self, words: str, number: int, total: int) -> str:
        """One part of a note that is too long, as it goes into the feedback."""
        return f"{self.by.name}, part {number} of {total}: {words}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One person said: I'm on it."""

    by: Person
    at: datetime

    def holds(self, now: datetime) -> bool:
        """Whether that still counts."""
        return now - self.at < CLAIM_LASTS


@dataclass(frozen=True, slots=True)
class Draft:
    """Feedback made of notes: what is in the box, and the notes that are not."""

    text: str
    left: tuple[Note, ...]
    overflowed: bool = False
    """Notes are left that should be in the box: they do not fit."""


def draft(notes: Iterable[Note], *, selected: Iterable[str]) -> Draft:
    """Notes of the selected people as feedback, in order; what does not fit is left, whole."""
    chosen = frozenset(selected)
    text = ""
    left: list[Note] = []
    overflowed = False
    for note in notes:
        longer = added(text, note) if note.by.id in chosen else None
        if longer is None:
            left.append(note)
            overflowed = overflowed or note.by.id in chosen
        else:
            text = longer
    return Draft(text, tuple(left), overflowed)


def added(text: str, note: Note) -> str | None:
    """The feedback with one more note at its end; None when it does not fit."""
    return appended(text, note.attributed)


def appended(text: str, words: str) -> str | None:
    """The same with any words."""
    longer = f"{text.rstrip()}\n\n{words}" if text.strip() else words
    return longer if _fits(longer) else None


def _fits(feedback: str) -> bool:
    return len(feedback.encode("utf-16-le", "surrogatepass")) // 2 <= FEEDBACK_LIMIT

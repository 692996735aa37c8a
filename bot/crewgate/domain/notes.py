"""Notes, the messages of people in the thread while a round waits, and the feedback they make."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.verdict import FEEDBACK_LIMIT, Person

#: A claim ends by itself after this time.
CLAIM_LASTS: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One message of a person in the thread, in its present version; known by channel and ts."""

    channel: str
    ts: str
    round_id: str
    by: Person
    text: str
    at: datetime

    @property
    def attributed(self) -> str:
        return f"{self.by.name}: {self.text}"

    @property
    def fits(self) -> bool:
        return _fits(self.attributed)

    def attributed_part(self, words: str, number: int, total: int) -> str:
        """Return one part of a note that is too long, for the feedback."""
        return f"{self.by.name}, part {number} of {total}: {words}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One person's word that they are on it."""

    by: Person
    at: datetime

    def holds(self, now: datetime) -> bool:
        return now - self.at < CLAIM_LASTS


@dataclass(frozen=True, slots=True)
class Draft:
    """Feedback made of notes: the text in the box, and the notes that are not in it."""

    text: str
    left: tuple[Note, ...]
    overflowed: bool = False
    """Notes that should be in the box do not fit."""


def draft(notes: Iterable[Note], *, selected: Iterable[str]) -> Draft:
    """Make feedback of the notes of selected people, in order; a note that does not fit is left."""
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
    """Return the feedback with one more note at its end; None if it does not fit."""
    return appended(text, note.attributed)


def appended(text: str, words: str) -> str | None:
    """Return the feedback with more words at its end; None if they do not fit."""
    longer = f"{text.rstrip()}\n\n{words}" if text.strip() else words
    return longer if _fits(longer) else None


def _fits(feedback: str) -> bool:
    return len(feedback.encode("utf-16-le", "surrogatepass")) // 2 <= FEEDBACK_LIMIT

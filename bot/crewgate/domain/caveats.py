"""The things that one click on Approve could overlook, and the confirmation of them."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from crewgate.domain.notes import Claim
from crewgate.domain.verdict import Person

#: The share of a whole output, in percent.
WHOLE: Final = 100
#: Any card shows an output of this many characters whole, also one that is not posted yet.
SURELY_WHOLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Share:
    """The beginning of an output that one message, row or page shows, in characters."""

    shown: int
    of: int

    @property
    def percent(self) -> int:
        """WHOLE only if nothing is left out; of an empty output there is nothing to show."""
        if not self.of:
            return 0
        return WHOLE if self.shown >= self.of else WHOLE * self.shown // self.of


def is_empty(share: Share | None) -> bool:
    """Return True if it is known that the output is empty."""
    return share is not None and not share.of


@dataclass(frozen=True, slots=True)
class Seen:
    """The things that somebody was shown, and asked about, before they approved."""

    notes: str = ""
    """The `Caveats.notes_mark` of the notes that they were shown."""
    claimed_by: str = ""
    """The user of the claim that they were shown."""
    excerpt: bool = False
    """They were told that they were not shown all of the output."""
    share: Share | None = None
    """The part of the output beside the button; None: not known, as in an older message."""


NOTHING_SEEN: Final = Seen()
"""The value for somebody who was not shown a confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveats:
    """The things that one person who approves could overlook; empty where nothing applies."""

    notes: int = 0
    """The number of notes that wait; an approval sends none of them."""
    notes_mark: str = ""
    """A value that changes whenever a note comes, is edited or goes."""
    claim: Claim | None = None
    """The claim of somebody else."""
    shown: int | None = WHOLE
    """The share of the output that they were shown, in percent; None: not all, and not known."""
    share: Share | None = None
    """The same in characters, where that is known."""

    @property
    def is_excerpt(self) -> bool:
        """They were not shown all of the output."""
        return self.shown != WHOLE

    @property
    def seen(self) -> Seen:
        """The value for somebody who was asked about all of these."""
        claimed_by = self.claim.by.id if self.claim is not None else ""
        return Seen(self.notes_mark, claimed_by, self.is_excerpt, self.share)

    def all_in(self, seen: Seen) -> bool:
        """Return True if somebody was asked about all of these, as they are now."""
        return (
            (not self.notes or self.notes_mark == seen.notes)
            and (self.claim is None or self.claim.by.id == seen.claimed_by)
            and (not self.is_excerpt or seen.excerpt)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The facts about a waiting round from which caveats are made."""

    notes: tuple[tuple[str, str], ...] = ()
    """The ts of each note and of its last edit."""
    claim: Claim | None = None
    """The last claim."""
    shown: int | None = None
    """The share of the output on its card, in percent; None: not known, or not posted yet."""
    characters: int = 0
    """The length of the output, if `shown` is not known."""
    read_to_end: bool = False
    """This person has turned to the output's last page."""

    def caveats(self, by: Person, at: datetime, seen: Seen = NOTHING_SEEN) -> Caveats:
        """Return the things that this person, who saw `seen`, could overlook at this moment."""
        holds = self.claim is not None and self.claim.by.id != by.id and self.claim.holds(at)
        return Caveats(
            notes=len(self.notes),
            notes_mark=_mark(self.notes),
            claim=self.claim if holds else None,
            shown=self._shown(seen.share),
            share=seen.share,
        )

    def _shown(self, share: Share | None) -> int | None:
        if is_empty(share):
            return 0
        if self.read_to_end:
            return WHOLE
        if share is not None:
            return share.percent
        return WHOLE if self.shown is None and self.characters <= SURELY_WHOLE else self.shown


def _mark(notes: tuple[tuple[str, str], ...]) -> str:
    if not notes:
        return ""
    written = "\n".join(f"{ts} {edited_ts}" for ts, edited_ts in sorted(notes))
    return sha256(written.encode()).hexdigest()[:32]

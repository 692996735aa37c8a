"""Notes and claims while a round waits, and the things that one click on Approve could overlook."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeVar

from crewgate.domain.verdict import FEEDBACK_LIMIT, Decision, Person, Vote

Made = TypeVar("Made", bound=Vote | Decision)

CLAIM_LASTS: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One person's message in the thread, in its present version; known by channel and ts."""

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


@dataclass(frozen=True, slots=True)
class Claim:
    """One person's statement that they work on the round."""

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
    """Notes of selected people did not fit."""


def draft(notes: Iterable[Note], *, selected: Iterable[str]) -> Draft:
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
    longer = f"{text.rstrip()}\n\n{note.attributed}" if text.strip() else note.attributed
    return longer if _fits(longer) else None


def _fits(feedback: str) -> bool:
    return len(feedback.encode("utf-16-le", "surrogatepass")) // 2 <= FEEDBACK_LIMIT


WHOLE: Final = 100
_LITTLE: Final = 50
#: An approval is hasty if it took less time than this for each character of the text: people read
#: half as fast (238 words a minute: Brysbaert 2019, https://doi.org/10.1016/j.jml.2019.104047).
PER_CHARACTER: Final = timedelta(milliseconds=20)
#: An output of at most this many characters is whole on its card, even if that is not posted yet.
SURELY_WHOLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Share:
    """The beginning of an output that one message, row or page shows, in characters."""

    shown: int
    of: int
    beyond: int = 0
    """Characters beyond a phone's edge, in wide tables."""

    @property
    def percent(self) -> int:
        """The share in percent: WHOLE only if nothing is left out, 0 of an empty output."""
        if not self.of:
            return 0
        return min(WHOLE, WHOLE * max(0, self.shown - self.beyond) // self.of)


def is_empty(share: Share | None) -> bool:
    return share is not None and not share.of


class Unseen(StrEnum):
    """The things that the card, row or page with the Approve button may not have shown.

    People are told of notes and a claim first, and then of these in this order.
    """

    COLUMNS = "columns"
    ERASED = "erased"
    """Passages were taken out, because bot or host know them as secrets."""
    EXCERPT = "excerpt"
    """The person saw an excerpt or nothing, and did not turn to the end."""
    HASTE = "haste"
    MASKS = "masks"
    MAY_HAVE_RUN = "may_have_run"
    """The call may have been done already: only cards say it right above their buttons."""


@dataclass(frozen=True, slots=True)
class HastyReading:
    """Pages turned faster than anybody reads, and the time that they took."""

    pages: int
    seconds: int

    @property
    def took(self) -> timedelta:
        return timedelta(seconds=self.seconds)


def turned_in_haste(
    pages: int, of_pages: int, characters: int, took: timedelta
) -> HastyReading | None:
    to_read = (pages - 1) * characters // of_pages
    return HastyReading(pages, max(1, took // _SECOND)) if took < to_read * PER_CHARACTER else None


@dataclass(frozen=True, slots=True)
class Look:
    """A person's look at the last pages of an output: its start, and when it is long enough."""

    began: datetime
    enough_at: datetime
    """The first moment at which somebody could have read the pages."""

    def in_haste(self, at: datetime) -> HastyReading | None:
        is_enough = at >= self.enough_at
        return None if is_enough else HastyReading(1, max(1, (at - self.began) // _SECOND))


def look_at(began: datetime, characters: int) -> Look:
    return Look(began, began + characters * PER_CHARACTER)


def slipped(share: Share | None, began: datetime | None, at: datetime) -> HastyReading | None:
    """Return the last page of an output, if Approve was pressed within a second of its opening.

    Such a press is a slip: a double click on one review may reach the review that follows it.
    """
    if share is None or began is None or share.shown < share.of:
        return None
    return Look(began, began + _SECOND).in_haste(at)


_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The things that somebody was shown, and asked about, before they approved."""

    notes: str = ""
    """The `Caveats.notes_mark` of the notes that were shown."""
    claimed_by: str = ""
    unseen: frozenset[Unseen] = frozenset()
    """The kinds of `Unseen` that the person was warned of and confirmed."""
    share: Share | None = None
    """The share of the output beside the button; None: unknown, as in an older message."""
    turned: HastyReading | None = None
    """The page of the press, if the press was a slip."""
    in_reader: bool = False
    """The share is that of the pages shown so far, and not of a card or row that stays."""

    @property
    def calls_for_words(self) -> bool:
        """True if words should be sent in place of an approval: reading more ends no caveat."""
        is_final = bool(self.unseen) and self.unseen <= {Unseen.MAY_HAVE_RUN, Unseen.ERASED}
        return bool(self.notes) or is_empty(self.share) or is_final


NOTHING_SEEN: Final = Seen()


def seen_on_card(share: Share | None) -> Seen:
    """Return what a card shows: it tells right above its buttons if a call may have run."""
    return Seen(share=share, unseen=frozenset({Unseen.MAY_HAVE_RUN}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveats:
    """The things that one approver could overlook; a field is empty where nothing applies."""

    notes: int = 0
    notes_mark: str = ""
    """A value that changes whenever a note comes, is edited or goes."""
    claim: Claim | None = None
    shown: int | None = WHOLE
    """The percentage of the output that the approver was shown; None: an unknown part."""
    share: Share | None = None
    on_card: int | None = None
    turned: HastyReading | None = None
    unseen: frozenset[Unseen] = frozenset()

    @property
    def shown_little(self) -> int | None:
        """The percentage shown, if it is so low that other people should know."""
        return self.shown if self.shown is not None and self.shown < _LITTLE else None

    @property
    def masks_unseen(self) -> bool:
        return Unseen.MASKS in self.unseen

    @property
    def looked_seconds(self) -> int | None:
        return None if self.turned is None else self.turned.seconds

    @property
    def seen(self) -> Seen:
        """The `Seen` of a person who was asked about all of these caveats."""
        claimed_by = self.claim.by.id if self.claim is not None else ""
        return Seen(
            notes=self.notes_mark,
            claimed_by=claimed_by,
            unseen=self.unseen,
            share=self.share,
            turned=self.turned,
        )

    def on_record(self, made: Made) -> Made:
        """Return a vote or decision with what its author could overlook."""
        noted = replace(
            made,
            shown_little=self.shown_little,
            masks_unseen=self.masks_unseen,
            looked_seconds=self.looked_seconds,
        )
        return replace(noted, unsent_notes=self.notes) if isinstance(noted, Decision) else noted

    def all_in(self, seen: Seen) -> bool:
        return (
            (not self.notes or self.notes_mark == seen.notes)
            and (self.claim is None or self.claim.by.id == seen.claimed_by)
            and self.unseen <= seen.unseen
        )


NO_CAVEATS: Final = Caveats()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The facts about a waiting round from which caveats are made."""

    crew: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    """Each note's ts and the ts of its last edit."""
    claim: Claim | None = None
    shown: int | None = None
    """The percentage of the output on its card; None: unknown, or no card is posted yet."""
    characters: int = 0
    read_to_end: bool = False
    turned: HastyReading | None = None
    """The pages before the last page, if the person turned them in haste."""
    look: Look | None = None
    masked: bool | None = False
    """True if the card shows masks that this person has not lifted; None: no card yet."""
    asks_about_masks: bool = True
    hides: bool = False
    """The call has values that are masked by their names."""
    erased: int = 0
    may_have_run: bool = False

    def asks(self, user: str | None, at: datetime, seen: Seen) -> bool:
        """Return True if a press on Approve would ask first; None: a user who has no claim."""
        return not self.caveats(Person(user or "", ""), at, seen).all_in(seen)

    def caveats(self, by: Person, at: datetime, seen: Seen = NOTHING_SEEN) -> Caveats:
        turned = self.turned or seen.turned or self._in_haste(at, seen)
        holds = self.claim is not None and self.claim.by.id != by.id and self.claim.holds(at)
        shown = self._shown(seen.share)
        return Caveats(
            notes=len(self.notes),
            notes_mark=_mark(self.notes),
            claim=self.claim if holds else None,
            shown=shown if shown is None or self._is_whole else min(shown, WHOLE - 1),
            share=seen.share,
            on_card=self.shown,
            turned=turned,
            unseen=frozenset(self._unseen(shown, seen, turned)),
        )

    @property
    def needs_unmasking(self) -> bool:
        """True if an approval by this person, who saw masks, is asked about."""
        return self.masked is not False and (self.asks_about_masks or self.hides)

    @property
    def _is_whole(self) -> bool:
        return self.masked is False and not self.erased

    def _in_haste(self, at: datetime, seen: Seen) -> HastyReading | None:
        """Return the last page if it was read in haste, unless the button's message shows all."""
        stands = seen.share is not None and seen.share.percent == WHOLE and not seen.in_reader
        return None if stands or self.look is None else self.look.in_haste(at)

    def _unseen(
        self, shown: int | None, seen: Seen, turned: HastyReading | None
    ) -> Iterator[Unseen]:
        """Yield every caveat but notes and a claim: the one list of what people are asked about."""
        share = seen.share
        is_cut = share is None or share.shown < share.of or is_empty(share)
        if shown != WHOLE:
            yield Unseen.EXCERPT if is_cut else Unseen.COLUMNS
        if self.erased:
            yield Unseen.ERASED
        if turned is not None:
            yield Unseen.HASTE
        if self.needs_unmasking:
            yield Unseen.MASKS
        if self.may_have_run:
            yield Unseen.MAY_HAVE_RUN

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

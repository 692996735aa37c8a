"""The changes between two outputs: passage by passage as shown, or JSON by key."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crewgate.domain.alignment import StepBudget
from crewgate.domain.json_leaves import Paths, read_leaves
from crewgate.domain.pairing import Pair, pairs_of
from crewgate.domain.passages import Passage, PassageKind
from crewgate.domain.words import Kind, Segment, compare_cells, compare_words

LETTERS_COMPARED: Final = 60_000
"""The most letters in all passages of one comparison; others count as changed as a whole."""
#: The most unchanged passages between two changes that are kept; longer stretches are counted.
_KEPT: Final = 2


class Fate(StrEnum):
    """The fate of a passage."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    """It says the same in another place."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """A passage that changed or moved, as it is now; a removed one as it was."""

    fate: Fate
    passage: Passage
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The number of passages in a row that did not change; 0 where it was not counted."""

    count: int
    passages: tuple[Passage, ...] = ()
    """All of them, if they are few."""
    heading: Passage | None = None
    """The last heading among those that are not kept."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences between two outputs."""

    amounts: dict[tuple[PassageKind, Fate], int]
    """The number of passages by kind and fate. All prose counts as paragraphs."""
    parts: tuple[Hunk | Unchanged, ...] = ()
    too_long: bool = False
    """The texts differ in too much to be compared: one is shown after the other."""
    reformatted: bool = False
    """No words changed, and yet the texts are not the same."""

    def __bool__(self) -> bool:
        return bool(self.amounts) or self.too_long


def removed(passage: Passage) -> Hunk:
    return Hunk(Fate.REMOVED, passage, (Segment(Kind.REMOVED, passage.text),))


def added(passage: Passage) -> Hunk:
    return Hunk(Fate.ADDED, passage, (Segment(Kind.ADDED, passage.text),))


def compare(
    before: Sequence[Passage], after: Sequence[Passage], *, with_words: bool = True
) -> Changes:
    """Return the changes that turn `before` into `after`; without words, only their amounts.

    It takes a fraction of a second for thousands of passages and texts of any length.
    """
    budget = StepBudget(LETTERS_COMPARED)
    return _changes(pairs_of(before, after, budget), budget, with_words=with_words)


def compare_json(before: str, after: str, *, with_words: bool = True) -> Changes | None:
    """Compare two JSON texts by their keys; None if either is not JSON, or is too large."""
    paths = Paths()
    old = read_leaves(before, paths)
    new = read_leaves(after, paths) if old is not None else None
    if old is None or new is None:
        return None
    pairs = _pairs_by_key(old, new, paths)
    return _changes(pairs, StepBudget(LETTERS_COMPARED), with_words=with_words)


def _pairs_by_key(old: dict[int, str], new: dict[int, str], paths: Paths) -> Iterator[Pair]:
    for place in [*new, *(place for place in old if place not in new)]:
        before, after = old.get(place), new.get(place)
        same = before == after
        key = "" if same else paths.name(place) or "the whole"
        yield Pair(_value(before, key), _value(after, key), same)


def _value(text: str | None, key: str) -> Passage | None:
    return None if text is None else Passage(PassageKind.VALUE, text, key=key)


def _changes(pairs: Iterable[Pair], budget: StepBudget, *, with_words: bool) -> Changes:
    amounts: Counter[tuple[PassageKind, Fate]] = Counter()
    parts: list[Hunk | Unchanged] = []
    same: list[Passage] = []
    for pair in pairs:
        if pair.after is not None and pair.same and not pair.moved:
            same.append(pair.after)
            continue
        hunk = _hunk(pair, budget if with_words else None)
        amounts[hunk.passage.unit, hunk.fate] += 1
        parts += [*_unchanged(same), hunk] if with_words else []
        same = []
    return Changes(dict(amounts), (*parts, *(_unchanged(same) if with_words else ())))


def _hunk(pair: Pair, budget: StepBudget | None) -> Hunk:
    """Return the hunk of a pair; without a budget, without words."""
    before, after = pair.before, pair.after
    if after is None:
        assert before is not None  # noqa: S101  # a pair has one of the two
        return removed(before)
    if before is None:
        return added(after)
    if pair.same:
        return Hunk(Fate.MOVED, after, (Segment(Kind.SAME, after.text),))
    segments = _segments(before, after, budget) if budget is not None else ()
    return Hunk(Fate.CHANGED, after, segments)


def _segments(before: Passage, after: Passage, budget: StepBudget) -> tuple[Segment, ...]:
    if before.cells and after.cells:
        return compare_cells(before.cells, after.cells, budget)
    return compare_words(before.text, after.text, budget)


def _unchanged(passages: Sequence[Passage]) -> Iterator[Unchanged]:
    if not passages:
        return
    if len(passages) <= _KEPT and passages[0].kind is not PassageKind.VALUE:
        yield Unchanged(len(passages), tuple(passages))
        return
    headings = (one for one in reversed(passages) if one.kind is PassageKind.HEADING)
    yield Unchanged(len(passages), heading=next(headings, None))

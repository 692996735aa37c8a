"""Pairs the passages of a text with those of the next version, with bounded work."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final, NamedTuple

from crewgate.domain.alignment import StepBudget, align
from crewgate.domain.passages import Passage, PassageKind

#: Passages with less than this in common are not a pair.
_LEAST_ALIKE: Final = 0.4


class Pair(NamedTuple):
    """A passage and the one in its place; None: there was none, or there is none now."""

    before: Passage | None
    after: Passage | None
    same: bool = False
    moved: bool = False
    """It was in another place."""


def _pair(before: Passage | None, after: Passage | None, *, moved: bool) -> Pair:
    same = before is not None and after is not None and before.seen == after.seen
    return Pair(before, after, same, moved)


def pairs_of(before: Sequence[Passage], after: Sequence[Passage], budget: StepBudget) -> list[Pair]:
    """Return pairs in the order of `after`, with each passage of both texts in one of them.

    A passage without a counterpart in its place may have one elsewhere: the same words, or a row of
    the same table that begins with the same cell.
    """
    found: list[Pair] = []
    for block in align([one.seen for one in before], [one.seen for one in after], budget):
        old, new = before[block.start : block.end], after[block.new_start : block.new_end]
        if block.same:
            found += [Pair(*pair, same=True) for pair in zip(old, new, strict=True)]
        else:
            found += _in_place(old, new, budget)
    # What went in one place and came in another is one pair, where it is now.
    return _met(_met(found, _words), _row)


def _in_place(old: Sequence[Passage], new: Sequence[Passage], budget: StepBudget) -> Iterator[Pair]:
    """Pair the passages of a stretch that changed as a whole."""
    partner = _rows_by_first_cell(old, new) | _most_alike(
        [(at, one) for at, one in enumerate(old) if not one.is_row],
        [(at, one) for at, one in enumerate(new) if not one.is_row],
        budget,
    )
    taken = set(partner.values())
    shown = 0
    for at, one in enumerate(new):
        place = partner.get(at)
        if place is None:
            yield Pair(None, one)
            continue
        yield from (Pair(old[gone], None) for gone in range(shown, place) if gone not in taken)
        yield _pair(old[place], one, moved=place < shown)
        shown = max(shown, place)
    yield from (Pair(old[gone], None) for gone in range(shown, len(old)) if gone not in taken)


def _rows_by_first_cell(old: Sequence[Passage], new: Sequence[Passage]) -> dict[int, int]:
    """Match new rows with old ones that begin with the same cell, the first with the first."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for at in range(len(old) - 1, -1, -1):
        if old[at].is_row:
            places[_first_cell(old[at])].append(at)
    return {
        at: places[_first_cell(one)].pop()
        for at, one in enumerate(new)
        if one.is_row and places[_first_cell(one)]
    }


def _first_cell(row: Passage) -> str:
    return " ".join(row.cells[0].split()) if row.cells else ""


Placed = tuple[int, Passage]


def _most_alike(old: list[Placed], new: list[Placed], budget: StepBudget) -> dict[int, int]:
    """Match new passages with old ones, in order, so that all are as alike as can be."""
    old_words = [Counter(one.text.split()) for _, one in old]
    new_words = [Counter(one.text.split()) for _, one in new]
    budget.likeness -= min(len(old) * sum(map(len, new_words)), len(new) * sum(map(len, old_words)))
    if not old or not new or budget.likeness < 0:
        return {}
    # best[i][j]: the most that the first i old and the first j new passages have in common.
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    alike = [
        [
            _likeness(words, others) if one.unit is other.unit else 0.0
            for (_, other), others in zip(new, new_words, strict=True)
        ]
        for (_, one), words in zip(old, old_words, strict=True)
    ]
    for i, row in enumerate(alike, 1):
        for j, likeness in enumerate(row, 1):
            paired = best[i - 1][j - 1] + likeness if likeness >= _LEAST_ALIKE else 0.0
            best[i][j] = max(best[i - 1][j], best[i][j - 1], paired)
    found: dict[int, int] = {}
    i, j = len(old), len(new)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found[new[j][0]] = old[i][0]
    return found


def _likeness(words: Counter[str], others: Counter[str]) -> float:
    """Return the likeness of two texts, from 0 for nothing in common to 1."""
    most = max(words.total(), others.total())
    return (words & others).total() / most if most else 0.0


def _met(pairs: list[Pair], name: Callable[[Passage], Hashable | None]) -> list[Pair]:
    """Join removed and added passages that have the same name; None is no name."""
    gone: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at in range(len(pairs) - 1, -1, -1):
        before, after = pairs[at].before, pairs[at].after
        if before is not None and after is None and (named := name(before)) is not None:
            gone[named].append(at)
    origin: dict[int, int] = {}
    for at, pair in enumerate(pairs):
        if pair.after is not None and pair.before is None and gone.get(name(pair.after)):
            origin[at] = gone[name(pair.after)].pop()
    went = set(origin.values())
    return [
        _pair(pairs[origin[at]].before, pair.after, moved=True) if at in origin else pair
        for at, pair in enumerate(pairs)
        if at not in went
    ]


def _words(passage: Passage) -> Hashable | None:
    return None if passage.kind is PassageKind.CODE else passage.seen


def _row(passage: Passage) -> Hashable | None:
    return (passage.table, _first_cell(passage)) if passage.is_row else None

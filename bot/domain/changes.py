"""What changed between two outputs: texts by words inside changed lines, JSON by key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.alignment import Budget, align
from bot.domain.json_leaves import Paths, read_leaves
from bot.domain.notification import Format, Output

#: What is longer counts as changed as a whole.
LINES_COMPARED: Final = 2_000
WORDS_COMPARED: Final = 1_500
LETTERS_COMPARED: Final = 60_000
"""In all hunks of one comparison together."""
#: Hunks that have less than this in common are shown one after the other.
_LEAST_IN_COMMON: Final = 0.3
#: So few unchanged lines between two changes are shown; longer stretches are only counted.
_SHOWN: Final = 2

_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")


class Kind(StrEnum):
    """What became of some words."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Segment:
    """Some words in a row, and what became of them."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """A stretch with changes in it; `key` is where it is in a JSON output."""

    segments: tuple[Segment, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """So many lines or keys in a row that did not change."""

    count: int


@dataclass(frozen=True, slots=True)
class Changes:
    """How two outputs differ. `by_key`: added and removed are counted in keys, not in lines."""

    added: int
    removed: int
    parts: tuple[Hunk | Unchanged, ...]
    by_key: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def compare(before: Output, after: Output) -> Changes:
    """What has to be done to `before` to make it `after`.

    For any two texts a fraction of a second, and memory in proportion to their length.
    """
    return _compare(before, after, with_words=True)


def measure(before: Output, after: Output) -> Changes:
    """The same without its parts: how much changed."""
    return _compare(before, after, with_words=False)


def _compare(before: Output, after: Output, *, with_words: bool) -> Changes:
    budget = Budget(LETTERS_COMPARED)
    pairs: Iterator[_Pair] | None = None
    if before.format is Format.JSON and after.format is Format.JSON:
        pairs = _pairs_by_key(before.text, after.text)
    by_key = pairs is not None
    if pairs is None:
        pairs = _pairs_by_line(before.text, after.text, budget)
    added = removed = 0
    parts: list[Hunk | Unchanged] = []
    for pair in pairs:
        added += pair.added
        removed += pair.removed
        if not with_words:
            continue
        if pair.same > (0 if by_key else _SHOWN):
            parts.append(Unchanged(pair.same))
        elif pair.same:
            parts.append(Hunk((Segment(Kind.SAME, pair.before or ""),)))
        else:
            parts.append(Hunk(tuple(_segments(pair.before, pair.after, budget)), pair.key))
    return Changes(added, removed, tuple(parts), by_key=by_key)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A text and what stands in its place. None: there was nothing, or there is nothing now."""

    before: str | None
    after: str | None
    removed: int = 0
    added: int = 0
    same: int = 0
    """So many lines or keys that did not change."""
    key: str = ""


# --- by key --------------------------------------------------------------------------------------


def _pairs_by_key(before: str, after: str) -> Iterator[_Pair] | None:
    """None if either is no JSON, or too large to be compared so."""
    paths = Paths()
    old = read_leaves(before, paths)
    new = read_leaves(after, paths) if old is not None else None
    return None if old is None or new is None else _pairs_of_leaves(old, new, paths)


def _pairs_of_leaves(old: dict[int, str], new: dict[int, str], paths: Paths) -> Iterator[_Pair]:
    same = 0
    for place in [*new, *(place for place in old if place not in new)]:
        before, after = old.get(place), new.get(place)
        if before == after:
            same += 1
            continue
        if same:
            yield _Pair(None, None, same=same)
            same = 0
        removed, added = int(before is not None), int(after is not None)
        yield _Pair(before, after, removed, added, key=paths.name(place) or "the whole")
    if same:
        yield _Pair(None, None, same=same)


# --- by line -------------------------------------------------------------------------------------


def _pairs_by_line(before: str, after: str, budget: Budget) -> Iterator[_Pair]:
    """Both ends that are the same are found without taking the texts apart."""
    before, after = _whole_lines(before), _whole_lines(after)
    head = before.rfind("\n", 0, _common_beginning(before, after)) + 1
    tail = _common_lines_at_end(before[head:], after[head:])
    if head:
        yield _same(before[:head])
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    yield from _pairs_of_lines(*middle, budget)
    if tail:
        yield _same(before[len(before) - tail :])


def _pairs_of_lines(before: str, after: str, budget: Budget) -> Iterator[_Pair]:
    if not before and not after:
        return
    if max(before.count("\n"), after.count("\n")) > LINES_COMPARED:
        yield _changed(before, after)
        return
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for block in align(old, new, budget):
        lines = "".join(old[block.start : block.end])
        if block.same:
            yield _same(lines)
        else:
            yield _changed(lines, "".join(new[block.new_start : block.new_end]))


def _same(lines: str) -> _Pair:
    return _Pair(lines[:-1], lines[:-1], same=lines.count("\n"))


def _changed(before: str, after: str) -> _Pair:
    return _Pair(
        before[:-1] if before else None,
        after[:-1] if after else None,
        before.count("\n"),
        after.count("\n"),
    )


def _whole_lines(text: str) -> str:
    """The text with each of its lines ended by a line feed and nothing else."""
    for end in ("\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"):
        text = text.replace(end, "\n")
    return text if text.endswith("\n") or not text else text + "\n"


def _common_beginning(one: str, other: str) -> int:
    """How many characters both begin with."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def _common_lines_at_end(one: str, other: str) -> int:
    """How many characters the lines have that both end with."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if (
            one[len(one) - middle : len(one) - least]
            == (other[len(other) - middle : len(other) - least])
        ):
            least = middle
        else:
            most = middle - 1
    starts = (whole[: len(whole) - least] for whole in (one, other))
    if all(not start or start.endswith("\n") for start in starts):
        return least
    return len(one) - one.index("\n", len(one) - least) - 1 if least else 0


# --- by word -------------------------------------------------------------------------------------


def _segments(before: str | None, after: str | None, budget: Budget) -> Iterator[Segment]:
    """One hunk's words."""
    affordable = budget.affords(before or "", after or "")
    if before is None or after is None or not affordable:
        yield from _one_after_the_other(before, after)
        return
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > WORDS_COMPARED:
        yield from _one_after_the_other(before, after)
        return
    blocks = list(align(old, new, budget))
    kept = sum(_length(old[block.start : block.end]) for block in blocks if block.same)
    if kept < _LEAST_IN_COMMON * max(_length(old), _length(new)):
        yield from _one_after_the_other(before, after)
        return
    for block in blocks:
        words, new_words = (
            "".join(old[block.start : block.end]),
            "".join(new[block.new_start : block.new_end]),
        )
        if block.same:
            yield Segment(Kind.SAME, words)
            continue
        if words:
            yield Segment(Kind.REMOVED, words)
        if new_words:
            yield Segment(Kind.ADDED, new_words)


def _length(words: list[str]) -> int:
    """Characters, without the spaces between."""
    return sum(len(word) for word in words if not word.isspace())


def _one_after_the_other(before: str | None, after: str | None) -> Iterator[Segment]:
    if before is not None:
        yield Segment(Kind.REMOVED, before if after is None else f"{before}\n")
    if after is not None:
        yield Segment(Kind.ADDED, after)

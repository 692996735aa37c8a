"""What changed between two outputs: texts by words inside changed lines, JSON by key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from bot.domain.notification import Format, Output

#: Comparing costs up to the product of the lengths. What is longer counts as changed as a whole.
LINES_COMPARED: Final = 2_000
WORDS_COMPARED: Final = 1_500
LETTERS_COMPARED: Final = 60_000
"""In all passages of one comparison together."""
#: Passages that have less than this in common are shown one after the other.
_ALIKE: Final = 0.3
#: So few unchanged lines between two changes are shown; more are folded.
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

    runs: tuple[Segment, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Fold:
    """So many lines or keys in a row that did not change."""

    count: int


@dataclass(frozen=True, slots=True)
class Changes:
    """How two outputs differ. `by_key`: added and removed are counted in keys, not in lines."""

    added: int
    removed: int
    parts: tuple[Hunk | Fold, ...]
    by_key: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def compare(before: Output, after: Output) -> Changes:
    """What has to be done to `before` to make it `after`. May take a second for long texts."""
    if before.format is Format.JSON and after.format is Format.JSON:
        old, new = _read(before.text), _read(after.text)
        if old is not None and new is not None:
            return _by_key(old, new)
    return _by_line(before.text.splitlines(), after.text.splitlines())


def measure(before: Output, after: Output) -> Changes:
    """The same without its parts: how much changed, quickly."""
    if before.format is Format.JSON and after.format is Format.JSON:
        return replace(compare(before, after), parts=())
    added = removed = 0
    for kind, start, end, new_start, new_end in _opcodes(
        before.text.splitlines(), after.text.splitlines()
    ):
        if kind != "equal":
            removed += end - start
            added += new_end - new_start
    return Changes(added, removed, ())


def _read(text: str) -> dict[str, str] | None:
    """Every leaf of a JSON text by its path, or None if it is not JSON."""
    try:
        return dict(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        return None


def _leaves(value: object) -> Iterator[tuple[str, str]]:
    todo: list[tuple[str, object]] = [("", value)]
    while todo:
        path, found = todo.pop()
        match found:
            case dict() if found:
                todo += [(f"{path}.{key}" if path else key, one) for key, one in found.items()][
                    ::-1
                ]
            case list() if found:
                todo += [(f"{path}[{number}]", one) for number, one in enumerate(found)][::-1]
            case str():
                yield path, found
            case _:
                yield path, json.dumps(found, ensure_ascii=False)


def _by_key(old: dict[str, str], new: dict[str, str]) -> Changes:
    parts: list[Hunk | Fold] = []
    folded = added = removed = 0
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key), new.get(key)
        if before == after:
            folded += 1
            continue
        if folded:
            parts.append(Fold(folded))
            folded = 0
        added += after is not None
        removed += before is not None
        parts.append(Hunk(tuple(_runs(before, after)), key or "the whole"))
    if folded:
        parts.append(Fold(folded))
    return Changes(added, removed, tuple(parts), by_key=True)


def _by_line(old: list[str], new: list[str]) -> Changes:
    parts: list[Hunk | Fold] = []
    added = removed = letters = 0
    for kind, start, end, new_start, new_end in _opcodes(old, new):
        if kind == "equal":
            if end - start > _SHOWN:
                parts.append(Fold(end - start))
            else:
                parts.append(Hunk((Segment(Kind.SAME, "\n".join(old[start:end])),)))
            continue
        removed += end - start
        added += new_end - new_start
        before = "\n".join(old[start:end]) if end > start else None
        after = "\n".join(new[new_start:new_end]) if new_end > new_start else None
        letters += len(before or "") + len(after or "")
        runs = _runs if letters <= LETTERS_COMPARED else _apart
        parts.append(Hunk(tuple(runs(before, after))))
    return Changes(added, removed, tuple(parts))


def _opcodes(old: list[str], new: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """As SequenceMatcher's, in bounded time."""
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    most = shorter - head
    tail = next((at for at in range(most) if old[-1 - at] != new[-1 - at]), most)
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if head:
        yield "equal", 0, head, 0, head
    if len(middle_old) > LINES_COMPARED or len(middle_new) > LINES_COMPARED:
        yield "replace", head, head + len(middle_old), head, head + len(middle_new)
    else:
        for kind, *where in SequenceMatcher(None, middle_old, middle_new).get_opcodes():
            start, end, new_start, new_end = where
            yield kind, head + start, head + end, head + new_start, head + new_end
    if tail:
        yield "equal", len(old) - tail, len(old), len(new) - tail, len(new)


def _runs(before: str | None, after: str | None) -> Iterator[Segment]:
    """One passage's words. None: there was nothing, or there is nothing any more."""
    old: Sequence[str] = _WORD.findall(before or "")
    new: Sequence[str] = _WORD.findall(after or "")
    if before is None or after is None or max(len(old), len(new)) > WORDS_COMPARED:
        yield from _apart(before, after)
        return
    # Frequent words anchor nothing in long passages: that is what keeps the cost down.
    matcher = SequenceMatcher(None, old, new)
    kept = sum(
        _length(old[block.a : block.a + block.size]) for block in matcher.get_matching_blocks()
    )
    if kept < _ALIKE * max(_length(old), _length(new)):
        yield from _apart(before, after)
        return
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            yield Segment(Kind.SAME, "".join(old[start:end]))
            continue
        if end > start:
            yield Segment(Kind.REMOVED, "".join(old[start:end]))
        if new_end > new_start:
            yield Segment(Kind.ADDED, "".join(new[new_start:new_end]))


def _length(words: Sequence[str]) -> int:
    """Characters, without the spaces between."""
    return sum(len(word) for word in words if not word.isspace())


def _apart(before: str | None, after: str | None) -> Iterator[Segment]:
    if before is not None:
        yield Segment(Kind.REMOVED, before if after is None else f"{before}\n")
    if after is not None:
        yield Segment(Kind.ADDED, after)

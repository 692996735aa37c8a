"""A text of any length in pages, cut at paragraphs; nothing is lost, one is built at a time."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from crewgate.domain.caveats import Share
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.blockkit.markdown import Fence, fences_of, introduces
from crewgate.slack.blockkit.text import clean, place_to_break

#: What one page shows, in characters: some screens of a modal.
PAGE: Final = 6_000

#: A fence's last line is this long at most where a page takes it although it is full.
_LAST: Final = 500

_HEADINGS: Final = 20
"""A cut is looked for before so many headings at most: a text may be made of nothing else."""

_BLANK_LINES: Final = re.compile(r"\n[ \t]*\n+")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a text; `number` counts from 0."""

    text: str
    number: int
    total: int
    share: Share
    """How much of the text is on this page and those before it."""
    start: int
    """Where it begins in the text, cleaned."""


def page_of(text: str, number: int | None, size: int = PAGE, *, seen: int = 0) -> Page:
    """The page with this number, or the last; cleaned, and at most about `size` long.

    Without a number it is the first one with something beyond the first `seen` characters. Fenced
    code that runs across a cut is closed there and opened again on the next page.
    """
    whole = cleaned(text)
    pieces = _Cutter(whole, size).pieces()
    if number is None:
        number = bisect_right(pieces, seen, key=lambda piece: piece.end)
    number = min(number, len(pieces) - 1)
    piece = pieces[number]
    shown = whole[piece.start : piece.end]
    if piece.opened is not None:
        shown = piece.opened.opening + shown
    if piece.closed is not None:
        shown += ("" if shown.endswith("\n") else "\n") + piece.closed.close
    return Page(shown, number, len(pieces), Share(piece.end, len(whole)), piece.start)


def cleaned(text: str) -> str:
    """Return a text as its pages show it."""
    return clean(text).rstrip()


def count_pages(text: str, size: int = PAGE) -> int:
    return page_of(text, 0, size).total


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    opened: Fence | None
    """The fence that runs on from the piece before."""
    closed: Fence | None
    """The fence that runs on into the next."""


class _Cutter:
    def __init__(self, whole: str, size: int) -> None:
        self._whole = whole
        self._size = size
        self._fences = fences_of(whole)
        self._next = next(self._fences, None)
        self._near: list[Fence] = []
        """The fences that end in the present piece or after it and begin before its end."""

    def _look(self, start: int, most: int) -> None:
        self._near = [fence for fence in self._near if fence.end > start]
        while self._next is not None and self._next.start < most:
            self._near.append(self._next)
            self._next = next(self._fences, None)

    def pieces(self) -> list[_Piece]:
        made: list[_Piece] = []
        start = 0
        opened: Fence | None = None
        while not made or start < len(self._whole):
            room = self._size - (len(opened.opening) if opened is not None else 0)
            most = start + max(room, self._size // 2, 1)
            self._look(start, most)
            end = len(self._whole) if len(self._whole) <= most else self._cut(start, most)
            running = self._fence_around(end)
            if running is not None and self._nearly_over(running, end):
                end, running = running.end, None
            made.append(_Piece(start, end, opened, running))
            start, opened = end, running
        return made

    def _nearly_over(self, fence: Fence, at: int) -> bool:
        """Whether nothing but a fence's last line would be left for the next page."""
        return fence.end - at <= _LAST and fence.ends_with(self._whole[at : fence.end])

    def _cut(self, start: int, most: int) -> int:
        """Where a piece ends: after a paragraph, else a line, a sentence or a word."""
        least = start + self._size // 4
        paragraphs = [
            match.end()
            for match in _BLANK_LINES.finditer(self._whole, start, most)
            if match.end() >= least
        ]
        outside = most
        left = _HEADINGS
        for at in reversed(paragraphs):
            if at <= outside:
                fence = self._fence_around(at)
                if fence is not None:
                    outside = fence.start
                elif not left or not introduces(self._whole[start:at]):
                    return at
                else:
                    left -= 1
        at = most
        while (line := self._whole.rfind("\n", start, at) + 1) >= least:
            fence = self._fence_around(line)
            if fence is not None:
                # A fence of which only the first line would be left begins on the next page.
                alone = self._whole.find("\n", fence.start) + 1 == line
                return fence.start if alone and fence.start > start else line
            if not left or not introduces(self._whole[start:line]):
                return line
            at, left = line - 1, left - 1
        return max(place_to_break(self._whole, (start + most) // 2, most), start + 1)

    def _fence_around(self, at: int) -> Fence | None:
        """The fence that begins before this place and ends after it."""
        index = bisect_right(self._near, at, key=lambda fence: fence.end)
        if index == len(self._near) or self._near[index].start >= at:
            return None
        return self._near[index]


BLOCKS_ON_A_PAGE: Final = 80
"""Blocks of content on one page; a modal holds 100."""


@dataclass(frozen=True, slots=True)
class BlocksPage:
    """One page of blocks; `number` counts from 0."""

    blocks: list[Block]
    number: int
    total: int


def page_of_blocks(
    groups: Iterable[Sequence[Block]], wanted: int, *, most: int = BLOCKS_ON_A_PAGE
) -> BlocksPage:
    """The page with this number, or the last.

    A group is on one page unless a page cannot hold it. Of other pages nothing is kept but their
    number.
    """
    kept: list[Block] = []
    number = size = count = 0
    for group in groups:
        lengths = [len(json.dumps(block, ensure_ascii=False)) for block in group]
        # The first block makes room for all of its group.
        wants = [(sum(lengths), len(group)), *((length, 1) for length in lengths[1:])]
        for block, length, (room, blocks) in zip(group, lengths, wants, strict=False):
            if count and (size + room > 2 * PAGE or count + blocks > most):
                number += 1
                size = count = 0
                if number <= wanted:
                    kept = []
            size += length
            count += 1
            if number <= wanted:
                kept.append(block)
    return BlocksPage(kept, min(wanted, number), number + 1)

"""Blocks of any number in pages of a modal; one page is kept at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.blockkit.pagination import PAGE

BLOCKS: Final = 80
"""Blocks of content on one page; a modal holds 100."""


@dataclass(frozen=True, slots=True)
class BlocksPage:
    """One page of blocks; `number` counts from 0."""

    blocks: list[Block]
    number: int
    total: int


def page_of_blocks(
    groups: Iterable[Sequence[Block]], wanted: int, *, most: int = BLOCKS
) -> BlocksPage:
    """The page with this number, or the last.

    A group is on one page unless a page cannot hold it. Of other pages nothing is kept but their
    number.
    """
    pages = _Pages(wanted, most)
    for group in groups:
        lengths = [len(json.dumps(block, ensure_ascii=False)) for block in group]
        pages.make_room(sum(lengths), len(group))
        for block, length in zip(group, lengths, strict=True):
            pages.make_room(length, 1)
            pages.add(block, length)
    return pages.found()


class _Pages:
    def __init__(self, wanted: int, most: int) -> None:
        self._wanted = wanted
        self._most = most
        self._kept: list[Block] = []
        self._number = self._size = self._count = 0

    def make_room(self, length: int, count: int) -> None:
        """Turn to the next page, if there is something on this one and no room for so much."""
        full = self._size + length > 2 * PAGE or self._count + count > self._most
        if self._count and full:
            self._number += 1
            self._size = self._count = 0
            if self._number <= self._wanted:
                self._kept = []

    def add(self, block: Block, length: int) -> None:
        self._size += length
        self._count += 1
        if self._number <= self._wanted:
            self._kept.append(block)

    def found(self) -> BlocksPage:
        return BlocksPage(self._kept, min(self._wanted, self._number), self._number + 1)

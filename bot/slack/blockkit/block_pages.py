"""Blocks of any number in pages of a modal; one page is kept at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.slack.blockkit.blocks import Block
from bot.slack.blockkit.pagination import PAGE

BLOCKS: Final = 80
"""Blocks of content on one page; a modal holds 100."""


@dataclass(frozen=True, slots=True)
class BlocksPage:
    """One page of blocks; `number` counts from 0."""

    blocks: list[Block]
    number: int
    total: int


def page_of_blocks(
    groups: Iterable[Sequence[Block]], wanted: int | str, *, most: int = BLOCKS
) -> BlocksPage:
    """The page with this number, or with the block of this id; else the last.

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
    def __init__(self, wanted: int | str, most: int) -> None:
        self._wanted = wanted
        self._last = wanted if isinstance(wanted, int) else None
        """The number of the wanted page, once that is known."""
        self._most = most
        self._kept: list[Block] = []
        self._number = self._size = self._count = 0

    def make_room(self, length: int, count: int) -> None:
        """Turn to the next page, if there is something on this one and no room for so much."""
        full = self._size + length > 2 * PAGE or self._count + count > self._most
        if self._count and full:
            self._number += 1
            self._size = self._count = 0
            if self._is_wanted():
                self._kept = []

    def add(self, block: Block, length: int) -> None:
        self._size += length
        self._count += 1
        if self._is_wanted():
            self._kept.append(block)
        if self._last is None and block.get("block_id") == self._wanted:
            self._last = self._number

    def _is_wanted(self) -> bool:
        """Whether this page may be the wanted one, or the last before it."""
        return self._last is None or self._number <= self._last

    def found(self) -> BlocksPage:
        number = self._number if self._last is None else min(self._last, self._number)
        return BlocksPage(self._kept, number, self._number + 1)

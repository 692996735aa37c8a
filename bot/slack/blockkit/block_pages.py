"""Blocks of any number in pages of a modal; one page is kept at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def page_of_blocks(blocks: Iterable[Block], wanted: int | str, *, most: int = BLOCKS) -> BlocksPage:
    """The page with this number, or with the block of this id; else the last.

    Of the others nothing is kept but their number.
    """
    kept: list[Block] = []
    number = size = count = 0
    last = wanted if isinstance(wanted, int) else None
    """The number of the wanted page, once that is known."""
    for block in blocks:
        length = len(json.dumps(block, ensure_ascii=False))
        if count and (size + length > 2 * PAGE or count >= most):
            number += 1
            size = count = 0
            if last is None or number <= last:
                kept = []
        size += length
        count += 1
        if last is None or number <= last:
            kept.append(block)
        if last is None and block.get("block_id") == wanted:
            last = number
    return BlocksPage(kept, number if last is None else min(last, number), number + 1)

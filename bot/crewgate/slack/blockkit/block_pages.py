"""Blocks of any number in pages of a modal; one page is kept at a time."""

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

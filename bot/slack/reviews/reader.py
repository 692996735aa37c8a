"""Modals to read in: the whole text, what changed, the history. Paged, for any length."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.notification import Output
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import (
    SECTION_LIMIT,
    Block,
    actions,
    context,
    section,
)
from bot.slack.blockkit.modals import modal
from bot.slack.blockkit.pagination import PAGE, page_of
from bot.slack.blockkit.rich_text import leaf, paragraph
from bot.slack.blockkit.text import clean, is_blank
from bot.slack.page_buttons import page_buttons
from bot.slack.reviews import reader_strings, state_strings, strings, summary
from bot.slack.reviews.buttons import view_buttons
from bot.slack.reviews.changes import render_changes
from bot.slack.reviews.output import output_in_modal
from bot.slack.reviews.presentation import Waiting, present
from bot.usecases.read_models import CardView, RoundLine

#: Blocks of content on one page; a modal holds 100.
_BLOCKS_LIMIT: Final = 80
_EXCERPT_SHOWN: Final = 300


class ReaderTab(StrEnum):
    """What is being read."""

    WHOLE = "whole"
    CHANGES = "changes"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class ReaderPosition:
    """What somebody reads, and which page of it: kept in the modal itself."""

    round_id: str
    tab: ReaderTab
    page: int = 0

    def as_metadata(self) -> str:
        """What the modal carries, for `parse_position`."""
        return json.dumps([self.round_id, self.tab.value, self.page])


def parse_position(metadata: str) -> ReaderPosition | None:
    """The position that a modal shows, or None if it is no reader."""
    try:
        round_id, tab, page = json.loads(metadata)
        return ReaderPosition(str(round_id), ReaderTab(tab), max(0, int(page)))
    except (ValueError, TypeError):
        return None


_TITLES: Final = {
    ReaderTab.WHOLE: reader_strings.READ,
    ReaderTab.CHANGES: reader_strings.CHANGES,
    ReaderTab.HISTORY: reader_strings.HISTORY,
}


@dataclass(frozen=True, slots=True)
class ReaderPage:
    """A page as a modal; `is_end`: the output's last one."""

    view: Block
    is_end: bool


def render_reader(
    position: ReaderPosition, view: CardView, history: Sequence[RoundLine]
) -> ReaderPage:
    """One page, with Approve and Revise at hand while the round waits.

    Takes up to half a second for the worst texts: call it off the event loop.
    """
    page = _page(position, view, history)
    round_ = view.round
    shown = present(round_)
    waits = isinstance(shown, Waiting)
    blocks = [
        context(f"{strings.headline(round_)} · {shared.number_of(round_)}"),
        *([] if waits else [section(state_strings.in_full(shown))]),
        *page.blocks,
        *page_buttons(
            page.number,
            page.total,
            value=round_.id,
            previous_id=ids.PREVIOUS_PAGE,
            next_id=ids.NEXT_PAGE,
        ),
        *([actions(*view_buttons(round_.id))] if waits else []),
    ]
    made = modal(
        _TITLES[position.tab],
        blocks,
        callback_id=ids.PAGES_MODAL,
        metadata=ReaderPosition(round_.id, position.tab, page.number).as_metadata(),
        close=shared.CLOSE,
    )
    is_last = page.number == page.total - 1
    return ReaderPage(made, is_end=is_last and position.tab is ReaderTab.WHOLE)


@dataclass(frozen=True, slots=True)
class _Page:
    blocks: list[Block]
    number: int
    total: int


def _page(position: ReaderPosition, view: CardView, history: Sequence[RoundLine]) -> _Page:
    match position.tab:
        case ReaderTab.WHOLE:
            found = page_of(view.output.text, position.page)
            return _Page(_whole(found.text, view), found.number, found.total)
        case ReaderTab.CHANGES:
            return _page_of_blocks(render_changes(view), position.page)
        case ReaderTab.HISTORY:  # pragma: no branch  # there is no fourth
            entries = (block for line in history for block in _history_entry(line))
            return _page_of_blocks(entries, position.page)


def _whole(text: str, view: CardView) -> list[Block]:
    if is_blank(text):
        return [section(shared.EMPTY_OUTPUT)]
    return output_in_modal(Output(text, view.output.format))


def _page_of_blocks(blocks: Iterable[Block], wanted: int) -> _Page:
    """The page with this number, or the last; of the others nothing is kept but their number."""
    kept: list[Block] = []
    number = size = count = 0
    for block in blocks:
        length = len(json.dumps(block, ensure_ascii=False))
        if count and (size + length > 2 * PAGE or count >= _BLOCKS_LIMIT):
            number += 1
            size = count = 0
            if number <= wanted:
                kept = []
        size += length
        count += 1
        if number <= wanted:
            kept.append(block)
    return _Page(kept, min(wanted, number), number + 1)


# --- history -------------------------------------------------------------------------------------


def _history_entry(line: RoundLine) -> Iterable[Block]:
    yield section(reader_strings.history_entry(line.round))
    shown = clean(line.excerpt[:_EXCERPT_SHOWN])
    if not is_blank(shown):
        yield paragraph(leaf(shown))
    if line.characters > _EXCERPT_SHOWN:
        yield context(reader_strings.excerpt(_EXCERPT_SHOWN, line.characters))
    yield section(summary.answered(line.round)[:SECTION_LIMIT])

"""Modals to read in: the whole text, what changed, the history. Paged, for any length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from crewgate.domain.notification import Output
from crewgate.domain.review import Round
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.block_pages import BlocksPage, page_of_blocks
from crewgate.slack.blockkit.blocks import (
    Block,
    actions,
    context,
    section,
)
from crewgate.slack.blockkit.modals import modal
from crewgate.slack.blockkit.pagination import page_of
from crewgate.slack.blockkit.text import is_blank
from crewgate.slack.page_buttons import page_buttons
from crewgate.slack.reviews import reader_strings, state_strings, strings
from crewgate.slack.reviews.buttons import decide_buttons, last_buttons
from crewgate.slack.reviews.changes import render_changes
from crewgate.slack.reviews.history import page_of_history
from crewgate.slack.reviews.output import output_in_modal
from crewgate.slack.reviews.presentation import Waiting, present
from crewgate.usecases.read_models import CardView, RoundLine


class ReaderTab(StrEnum):
    """The tabs of the reader."""

    WHOLE = "whole"
    CHANGES = "changes"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class ReaderPosition:
    """The tab and the page that somebody reads: kept in the modal itself."""

    round_id: str
    tab: ReaderTab
    page: int | None = None
    """None: the first one, in a history the one with this round."""

    def as_metadata(self) -> str:
        """The modal's metadata, for `parse_position`."""
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
        *([] if waits and not round_.votes else [section(_state(round_))]),
        *page.blocks,
        *page_buttons(
            page.number,
            page.total,
            value=round_.id,
            previous_id=ids.PREVIOUS_PAGE,
            next_id=ids.NEXT_PAGE,
        ),
        *([actions(*decide_buttons(round_), *last_buttons(round_))] if waits else []),
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


def _state(round_: Round) -> str:
    """The state of the round; for one that waits, the approvals so far."""
    return strings.so_far(round_) or state_strings.in_full(present(round_))


def _page(position: ReaderPosition, view: CardView, history: Sequence[RoundLine]) -> BlocksPage:
    match position.tab:
        case ReaderTab.WHOLE:
            found = page_of(view.output.text, position.page or 0)
            return BlocksPage(_whole(found.text, view), found.number, found.total)
        case ReaderTab.CHANGES:
            return page_of_blocks(([block] for block in render_changes(view)), position.page or 0)
        case ReaderTab.HISTORY:
            return page_of_history(history, position.round_id, position.page)
        case _:
            assert_never(position.tab)


def _whole(text: str, view: CardView) -> list[Block]:
    if is_blank(text):
        return [section(shared.EMPTY_OUTPUT)]
    return output_in_modal(Output(text, view.output.format))

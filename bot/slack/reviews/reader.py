"""Modals to read in: the whole text, what changed, the history. Paged, for any length."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.changes import Changes, Fold, Hunk, Kind, compare
from bot.domain.notification import Output
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit import pagination
from bot.slack.blockkit.blocks import (
    SECTION_LIMIT,
    Block,
    actions,
    button,
    context,
    section,
)
from bot.slack.blockkit.modals import modal
from bot.slack.blockkit.pagination import PAGE
from bot.slack.blockkit.rich_text import leaf, paragraph
from bot.slack.blockkit.text import clean, is_blank
from bot.slack.reviews import reader_strings, state_strings, strings, summary
from bot.slack.reviews.output import output_in_modal
from bot.slack.reviews.presentation import Waiting, present
from bot.usecases.read_models import CardView, RoundLine

#: Blocks of content on one page; a modal holds 100.
_BLOCKS_LIMIT: Final = 80
_EXCERPT_SHOWN: Final = 300
_PARAGRAPH_LIMIT: Final = 2_800


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


def render_reader(position: ReaderPosition, view: CardView, history: Sequence[RoundLine]) -> Block:
    """One page, with Approve and Revise at hand while the round waits."""
    contents = _contents(position.tab, view, history)
    page = min(position.page, len(contents) - 1)
    round_ = view.round
    shown = present(round_)
    waits = isinstance(shown, Waiting)
    blocks = [
        context(f"{strings.headline(round_)} · {shared.number_of(round_)}"),
        *([] if waits else [section(state_strings.long(shown))]),
        *_page(view, contents[page]),
        *page_buttons(
            page,
            len(contents),
            value=round_.id,
            previous_id=ids.PREVIOUS_PAGE,
            next_id=ids.NEXT_PAGE,
        ),
        *([_verdicts(round_.id)] if waits else []),
    ]
    return modal(
        _TITLES[position.tab],
        blocks,
        callback_id=ids.PAGES_MODAL,
        metadata=ReaderPosition(round_.id, position.tab, page).as_metadata(),
        close=shared.CLOSE,
    )


def page_buttons(
    page: int, pages: int, *, value: str, previous_id: str, next_id: str
) -> list[Block]:
    """Where somebody reads, with buttons to the pages beside it; nothing for a single page."""
    if pages == 1:
        return []
    previous = button(shared.PREVIOUS, action_id=previous_id, value=value)
    following = button(shared.NEXT, action_id=next_id, value=value)
    return [
        context(shared.page_of(page, pages)),
        actions(*([previous] if page > 0 else []), *([following] if page + 1 < pages else [])),
    ]


def _verdicts(round_id: str) -> Block:
    return actions(
        button(strings.APPROVE, action_id=ids.VIEW_APPROVE, value=round_id, style="primary"),
        button(strings.REVISE, action_id=ids.VIEW_REVISE, value=round_id),
    )


_Content = str | list[Block]


def _contents(tab: ReaderTab, view: CardView, history: Sequence[RoundLine]) -> Sequence[_Content]:
    """All pages; those of the whole text not rendered yet, because there may be hundreds."""
    match tab:
        case ReaderTab.WHOLE:
            return pagination.pages(view.output.text)
        case ReaderTab.CHANGES:
            return _grouped(_changes(view))
        case ReaderTab.HISTORY:  # pragma: no branch  # there is no fourth
            return _grouped(block for line in history for block in _history_entry(line))


def _page(view: CardView, content: _Content) -> list[Block]:
    if isinstance(content, list):
        return content
    if is_blank(content):
        return [section(shared.EMPTY_OUTPUT)]
    return output_in_modal(Output(content, view.output.format))


def _grouped(blocks: Iterable[Block]) -> list[list[Block]]:
    made: list[list[Block]] = [[]]
    size = 0
    for block in blocks:
        length = len(json.dumps(block, ensure_ascii=False))
        if made[-1] and (size + length > 2 * PAGE or len(made[-1]) >= _BLOCKS_LIMIT):
            made.append([])
            size = 0
        made[-1].append(block)
        size += length
    return made


# --- what changed --------------------------------------------------------------------------------


def _changes(view: CardView) -> Iterable[Block]:
    if view.before is None or view.previous is None:
        yield section(reader_strings.NOTHING_BEFORE)
        return
    asked = strings.earlier_feedback(view.previous)
    if asked:
        yield section(asked)
    changes = compare(view.before, view.output)
    if not changes:
        yield section(reader_strings.CHANGED_NOTHING)
        return
    yield section(f"*{reader_strings.amount(changes)}*")
    for part in changes.parts:
        yield from _hunk_or_fold(part, changes)


def _hunk_or_fold(part: Hunk | Fold, changes: Changes) -> Iterable[Block]:
    if isinstance(part, Fold):
        yield paragraph(leaf(reader_strings.folded(part.count, by_key=changes.by_key), italic=True))
        return
    key = [leaf(f"{clean(part.key)}: ", code=True)] if part.key else []
    room, held = _PARAGRAPH_LIMIT, key
    for segment in part.segments:
        text = clean(segment.text)
        while text:
            piece, text = text[:room], text[room:]
            held.append(leaf(piece, **_STYLES[segment.kind]))
            room -= len(piece)
            if room <= 0:
                yield paragraph(*held)
                room, held = _PARAGRAPH_LIMIT, []
    if held:
        yield paragraph(*held)


_STYLES: Final = {
    Kind.SAME: {},
    Kind.ADDED: {"bold": True},
    Kind.REMOVED: {"strike": True},
}


# --- history -------------------------------------------------------------------------------------


def _history_entry(line: RoundLine) -> Iterable[Block]:
    yield section(reader_strings.history_entry(line.round))
    shown = clean(line.excerpt[:_EXCERPT_SHOWN])
    if not is_blank(shown):
        yield paragraph(leaf(shown))
    if line.characters > _EXCERPT_SHOWN:
        yield context(reader_strings.excerpt(_EXCERPT_SHOWN, line.characters))
    yield section(summary.answered(line.round)[:SECTION_LIMIT])

"""Cuts of a long text where a reader would cut: a beginning, a line in a list, pages.

Each function takes time linear in the text's length.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import Final

from crewgate.domain.caveats import Share
from crewgate.domain.changes import CELLS_BETWEEN
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.blockkit.markdown import (
    Fence,
    Line,
    LineKind,
    blocks_of,
    fences_of,
    few_cells,
    introduces,
    is_list_item,
    kinds_of,
    lines_of,
)
from crewgate.slack.blockkit.parts import PartKind, parts_of, text_of
from crewgate.slack.blockkit.text import (
    ELLIPSIS,
    clean,
    clean_controls,
    neutralise_markdown,
    place_before,
    place_to_break,
    reveal,
    utf16_length,
    whole_character,
)

#: Of a paragraph that is cut, a part shows more than so many characters, or none.
_FEW_WORDS = 80
#: The zero-width joiner, which makes one emoji of two; cut off where a part ends with it.
_JOINER = "\u200d"


def length(text: str) -> int:
    """Return a text's length as people count: each line end is one character."""
    return len(text) - text.count("\r\n")


def count_rows(text: str) -> int:
    if "|" not in text:
        return 0
    head = reveal(clean_controls(text))
    return kinds_of(head, lines_of(head)).count(LineKind.ROW)


def measure_overflow(markdown: str) -> tuple[int, int, int]:
    """Return the widest table's columns, the characters off a phone's screen, and a line's number.

    All are 0 if every table fits. The line follows that table, or the whole text if it is nested.
    """
    if not _WIDE_ROW.search(markdown):
        return 0, 0, 0
    columns = beyond = column = end = behind = 0
    last = markdown.count("\n") + 1
    for token in blocks_of(markdown, tables=few_cells(markdown)):
        if token.type == "table_open":
            end = last if token.level or not token.map else token.map[1]
        elif token.type in {"tr_open", "table_close"}:
            column = 0
        elif token.type in {"th_open", "td_open"}:
            column += 1
            if column > columns:
                columns, behind = column, end
        elif token.type == "inline" and column > COLUMNS:
            beyond += len(token.content)
    return (columns, max(1, beyond), behind) if columns > COLUMNS else (0, 0, 0)


#: The most columns that a phone shows side by side.
COLUMNS = 4
_WIDE_ROW = re.compile(rf"(?:[^\n|]*+\|){{{COLUMNS}}}")


def short_part(text: str, *, characters: int, rows: int, limit: int) -> tuple[str, int]:
    """Return a short beginning of a longer text, neutralised, and its length in the original.

    The part has about `characters`, at most `rows` of tables, and at most `limit` once neutralised.
    It ends with a paragraph, an item or a row, else with a sentence or a word of a long paragraph;
    with a heading only if there is nothing else. A longer fence is cut at a line and closed.
    """
    written = clean_controls(text[: 2 * characters + 2])
    head = reveal(written)[: 2 * characters + 2]
    lines = lines_of(head)
    kinds = kinds_of(head, lines)

    def cut(room: int) -> tuple[int, str]:
        return _short_cut(head, lines, kinds, room=room, rows=rows)

    room = min(characters, len(head) - 1)
    part, at = _largest(head, cut, neutralise_markdown, room=room, limit=limit)
    return part, place_before(written, at)


def _short_cut(
    head: str, lines: list[Line], kinds: list[LineKind], *, room: int, rows: int
) -> tuple[int, str]:
    best = 0
    number = 0
    while number < len(lines) and lines[number].end <= room:
        rows -= kinds[number] is LineKind.ROW
        if rows < 0:
            break
        if _may_end(head, lines, kinds, number):
            best = lines[number].end
        number += 1
    crossing = lines[min(number, len(lines) - 1)]
    kind = kinds[min(number, len(lines) - 1)]
    if kind is LineKind.CODE and crossing.fence is not None and best < room // 4:
        inside = [line.end for line in lines[:number] if line.fence is crossing.fence]
        at = inside[-1] if len(inside) > 1 else place_to_break(head, crossing.start, room)
        return at, "\n" + crossing.fence.close
    if kind is LineKind.TEXT and best < room // 2:
        while number > 0 and kinds[number - 1] is LineKind.TEXT and lines[number].start > room // 2:
            number -= 1
        earliest = max(lines[number].start, room // 2)
        if best == 0 or room - earliest > _FEW_WORDS:
            return place_to_break(head, earliest, room), ""
    if best > 0:
        return best, ""
    # No line within `room` may end the part: there are only headings, or a table's header before a
    # long first row. The cut is after the last whole line, or within the first if none is whole.
    whole = [line.end for line in lines[:number] if line.fence is None]
    return (whole[-1], "") if whole else (place_to_break(head, 0, room), "")


def _may_end(head: str, lines: list[Line], kinds: list[LineKind], number: int) -> bool:
    if number + 1 == len(lines):
        return False  # `head` ends here, so the kind of the next line is not known
    after, kind = lines[number + 1], kinds[number]
    match kind:
        case LineKind.TEXT:
            goes_on = kinds[number + 1] is LineKind.TEXT
            return not goes_on or is_list_item(head[after.start : after.end])
        case LineKind.ROW:
            return True
        case LineKind.CODE:
            return after.fence is not lines[number].fence
        case _:
            return False


def first_part(
    text: str, limit: int, *, render: Callable[[str], str] = neutralise_markdown
) -> tuple[str, int]:
    """Return the beginning of a text that fits `limit` once rendered, and how long it is in `text`.

    The cut is at a paragraph, else at a line, a sentence or a word, if at least a quarter of the
    limit is used then; after a heading only if there is nothing else. A fence that goes on after
    the cut is closed there.
    """
    # `render` shortens no text to less than half, so more than `most` characters can never fit.
    most = 2 * limit + 2
    written = clean_controls(text[:most])
    head = reveal(written)
    if len(head) <= most:
        whole = render(head)
        if utf16_length(whole) <= limit:
            return whole, len(written)
    head = head[:most]
    lines = lines_of(head)
    room = min(limit, len(head) - 1)
    cut = partial(_cut_whole, head, lines, _leading(kinds_of(head, lines)))
    part, at = _largest(head, cut, render, room=room, limit=limit)
    return part, place_before(written, at)


def _largest(
    head: str,
    cut: Callable[[int], tuple[int, str]],
    render: Callable[[str], str],
    *,
    room: int,
    limit: int,
) -> tuple[str, int]:
    while room > 0:
        at, closing = cut(room)
        shown = head[:at].rstrip().rstrip(_JOINER)
        part = render(shown + closing)
        if utf16_length(part) <= limit:
            return part, len(shown)
        room = min(at - 1, at * limit // utf16_length(part))
    return "", 0


def _leading(kinds: list[LineKind]) -> list[bool]:
    found = [False]
    for kind in kinds:
        leads = kind in {LineKind.HEADING, LineKind.TABLE_HEAD}
        found.append(found[-1] if kind is LineKind.BLANK else leads)
    return found[1:]


def _cut_whole(head: str, lines: list[Line], leading: list[bool], room: int) -> tuple[int, str]:
    least = room // 4
    paragraph = line_end = fenced_line_end = leads = 0
    crossing = lines[0]
    following = pairwise([*lines, Line(len(head), len(head) + 1, None)])
    for is_leading, (line, after) in zip(leading, following, strict=True):
        crossing = line
        if line.end > room:
            break
        if line.fence is not None and line.fence is after.fence:
            fenced_line_end = line.end
            continue
        if is_leading:
            leads = line.end
            continue
        line_end = line.end
        blank = head[line.start : line.end].isspace() or head[after.start : after.end].isspace()
        if blank or line.fence is not after.fence:
            paragraph = line_end
    if paragraph > 0 and paragraph >= least:
        return paragraph, ""
    fence = crossing.fence
    is_row = head[crossing.start : crossing.end].lstrip(" >").startswith("|")
    # Cut in two, a table's row or a fence's first line would not be read as a table or code, so the
    # cut is before that line, even if only a heading is above it.
    if is_row or fence is not None:
        line_end = line_end or leads
    if fence is not None and (fence.start < crossing.start or line_end == 0):
        begun = fenced_line_end > max(fence.start, least)
        return (fenced_line_end if begun else place_to_break(head, crossing.start, room)), (
            "\n" + fence.close
        )
    if line_end > 0 and (line_end >= least or is_row or fence is not None):
        return line_end, ""
    return place_to_break(head, max(line_end, least), room), ""


#: Matches JSON's keys, texts and other values, and a text whose end was cut off.
_JSON: Final = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)(?:"\s*(?P<key>:)?|$)|(?P<scalar>[^\s"{}\[\],:]+)', re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED_LETTER: Final = r"\u"
_LONG_WORD: Final = 50
"""The longest word that is left out rather than cut."""
_ENDS: Final = tuple(".!?:;…。！？")
"""Line ends that need no divider before more text."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One line of an output, and the tables and code that it leaves out."""

    words: str
    share: Share
    rows: tuple[int | None, ...] = ()
    """The number of rows of each omitted table; None if its end was not read."""
    code_lines: int = 0


@lru_cache(maxsize=200)
def preview(text: str, *, is_json: bool, characters: int, limit: int) -> Preview:
    """Return an output's words, at most `limit` long; `text` has the first of its `characters`."""
    is_read = characters <= len(text) and not (is_json and _ESCAPED_LETTER in text)
    pieces = [_Piece([_words_of_json(text)])] if is_json else _pieces_of(clean(text))
    line, rows, code_lines = "", [], 0
    reach = limit
    for piece in pieces:
        joined = line
        for row in piece.parts:
            if len(joined) <= limit:
                joined = _joined(joined, row)
        if (piece.rows is None and not piece.code_lines) or len(joined) <= limit:
            line = joined
            continue
        reach = min(reach, len(line))
        code_lines += piece.code_lines
        if piece.rows is not None:
            rows.append(piece.rows if is_read or piece is not pieces[-1] else None)
    if is_read and not rows and not code_lines and len(line) <= limit:
        return Preview(line, Share(characters, characters) if line else Share(0, 0))
    fits = is_read and len(line) <= limit
    shown = f"{line} {ELLIPSIS}" if fits else _cut(line, min(limit, len(line)))
    share = Share(max(0, min(reach, len(shown) - 1, characters - 1)), characters)
    return Preview(shown, share, tuple(rows), code_lines)


def _cut(line: str, latest: int) -> str:
    """Cut a line after a word, with an ellipsis; never inside a number such as 60 000."""
    earliest = max(0, latest - _LONG_WORD)
    at = line.rfind(" ", earliest, latest + 1)
    while at > 0 and line[at - 1].isdigit():
        at = line.rfind(" ", earliest, at)
    if at > 0:
        return f"{line[:at].rstrip(' ·')} {ELLIPSIS}"
    # No space is near the end: a long word or number is there, or the script has no spaces.
    at = whole_character(line, latest)
    return line[:at].rstrip(" ·0123456789.,'") + ELLIPSIS


@dataclass(slots=True)
class _Piece:
    """A paragraph or an item; or a table or code, which is never cut."""

    parts: list[str]
    """The rows of a table; other pieces are one part."""
    rows: int | None = None
    code_lines: int = 0


def _pieces_of(markdown: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    for part in parts_of(markdown):
        row = CELLS_BETWEEN.join(map(text_of, part.cells))
        match part.kind:
            case PartKind.HEADER:
                pieces.append(_Piece([row], rows=0))
            case PartKind.ROW:
                table = pieces[-1]
                table.parts.append(row)
                table.rows = len(table.parts) - 1
            case PartKind.CODE:
                lines = len(part.text.splitlines())
                pieces.append(_Piece([f"{part.info} {part.text}"], code_lines=lines))
            case _:
                pieces.append(_Piece([f"{part.number} {part.text}"]))
    return pieces


def _joined(made: str, piece: str) -> str:
    words = " ".join(piece.split())
    if made and words:
        made += " " if made.endswith(_ENDS) else " · "
    return made + words


def _words_of_json(text: str) -> str:
    """Return JSON's keys and values in order, without brackets and quotes: `name: Ana, age: 31`."""
    made = ""
    for found in _JSON.finditer(clean(text)):
        words = found["scalar"] or _ESCAPE.sub(" ", found["text"] or "")
        made += f"{words}: " if found["key"] else f"{words}, "
    return " ".join(made.split()).rstrip(", :") or text.strip()


#: The characters on one page of a modal: a few screens.
PAGE: Final = 6_000
#: A full page still takes a fence's closing line, if that has at most so many characters.
_LAST: Final = 500
_HEADINGS: Final = 20
"""The most headings before which a page's end is moved: a text may have only headings."""
_BLANK_LINES: Final = re.compile(r"\n[ \t]*\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a text; `number` counts from 0."""

    text: str
    number: int
    total: int
    share: Share
    """The share of the text up to the end of this page."""
    start: int


def page_of(text: str, number: int | None, size: int = PAGE, *, seen: int = 0) -> Page:
    """Return the page with this number, or the last page; cleaned, at most about `size` long.

    Without a number, return the first page with text after the first `seen` characters. Fenced code
    across a cut is closed there and opened again on the next page.
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
    return Page(
        text=shown,
        number=number,
        total=len(pieces),
        share=Share(piece.end, len(whole)),
        start=piece.start,
    )


def cleaned(text: str) -> str:
    return clean(text).rstrip()


@dataclass(frozen=True, slots=True)
class _PageCut:
    start: int
    end: int
    opened: Fence | None
    closed: Fence | None


class _Cutter:
    def __init__(self, whole: str, size: int) -> None:
        self._whole = whole
        self._size = size
        self._fences = fences_of(whole)
        self._next = next(self._fences, None)
        self._near: list[Fence] = []
        """The fences that begin before the end of this piece and end in it or later."""

    def pieces(self) -> list[_PageCut]:
        made: list[_PageCut] = []
        start = 0
        opened: Fence | None = None
        while not made or start < len(self._whole):
            room = self._size - (len(opened.opening) if opened is not None else 0)
            most = start + max(room, self._size // 2, 1)
            self._near = [fence for fence in self._near if fence.end > start]
            while self._next is not None and self._next.start < most:
                self._near.append(self._next)
                self._next = next(self._fences, None)
            end = len(self._whole) if len(self._whole) <= most else self._cut(start, most)
            running = self._fence_around(end)
            if running is not None and self._nearly_over(running, end):
                end, running = running.end, None
            made.append(_PageCut(start, end, opened, running))
            start, opened = end, running
        return made

    def _nearly_over(self, fence: Fence, at: int) -> bool:
        return fence.end - at <= _LAST and fence.ends_with(self._whole[at : fence.end])

    def _cut(self, start: int, most: int) -> int:
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
                # A fence of which only the first line fits on this page begins on the next page.
                alone = self._whole.find("\n", fence.start) + 1 == line
                return fence.start if alone and fence.start > start else line
            if not left or not introduces(self._whole[start:line]):
                return line
            at, left = line - 1, left - 1
        return max(place_to_break(self._whole, (start + most) // 2, most), start + 1)

    def _fence_around(self, at: int) -> Fence | None:
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
    """Return the page with this number, or the last page; a group that fits stays on one page."""
    on_page: list[Block] = []
    number = size = count = 0
    for group in groups:
        lengths = [len(json.dumps(block, ensure_ascii=False)) for block in group]
        # A group's first block asks for room for the whole group, each other block for itself only.
        wants = [(sum(lengths), len(group)), *((length, 1) for length in lengths[1:])]
        for block, length, (room, blocks) in zip(group, lengths, wants, strict=False):
            if count and (size + room > 2 * PAGE or count + blocks > most):
                number += 1
                size = count = 0
                if number <= wanted:
                    on_page = []
            size += length
            count += 1
            if number <= wanted:
                on_page.append(block)
    return BlocksPage(on_page, min(wanted, number), number + 1)

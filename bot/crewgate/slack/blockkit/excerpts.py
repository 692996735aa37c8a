"""The beginning of a long text, cut where a reader would cut it, in time of its own length."""

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from crewgate.slack.blockkit.markdown import blocks_of, few_cells
from crewgate.slack.blockkit.markdown_lines import Line, lines_of
from crewgate.slack.blockkit.outline import LineKind, is_list_item, kinds_of
from crewgate.slack.blockkit.text import (
    clean_controls,
    neutralise_markdown,
    place_to_break,
    utf16_length,
)
from crewgate.slack.blockkit.unseen import place_before, reveal

#: A part of a paragraph that is no longer tells nothing.
_FEW_WORDS = 80
#: Joins what stands before and after it to one picture; nothing stands after the end of a part.
_JOINER = "\u200d"


def length(text: str) -> int:
    """The characters of a text as people count them: a line end is one, however it is written."""
    return len(text) - text.count("\r\n")


def count_rows(text: str) -> int:
    """How many rows of tables a text has, their headers left out."""
    head = reveal(clean_controls(text))
    return kinds_of(head, lines_of(head)).count(LineKind.ROW)


def beyond_the_edge(markdown: str) -> tuple[int, int, int]:
    """Return the columns of the widest table with more than a phone shows, and what is in those.

    None and nothing, in characters, where every table has few. Last, the line behind that table;
    the last one, if it is inside of something.
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
        elif token.type == "inline" and column > _COLUMNS:
            beyond += len(token.content)
    return (columns, max(1, beyond), behind) if columns > _COLUMNS else (0, 0, 0)


#: The most columns that a phone shows side by side.
_COLUMNS = 4
_WIDE_ROW = re.compile(rf"(?:[^\n|]*+\|){{{_COLUMNS}}}")


def short_part(text: str, *, characters: int, rows: int, limit: int) -> tuple[str, int]:
    """The beginning of a longer text, neutralised, and how many characters of it that is.

    About so many characters, so many rows of tables at most, and within `limit` once neutralised.
    It never ends on a heading, unless there is nothing else, and not inside a row or a fence: a
    fence that is longer than the rest is cut at a line and closed. It ends with a paragraph, an
    item or a row, or else with a sentence or a word of a long paragraph.
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
    """Where to cut, at `room` or before, and what must be written there to close a fence."""
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
        return _cut_in_fence(head, lines[:number], crossing, room), "\n" + crossing.fence.close
    if kind is LineKind.TEXT and best < room // 2:
        earliest = _paragraph_start(lines, kinds, number, room)
        if best == 0 or room - earliest > _FEW_WORDS:
            return place_to_break(head, earliest, room), ""
    if best > 0:
        return best, ""
    # Nothing but headings, or a table whose first row is longer than that.
    whole = [line.end for line in lines[:number] if line.fence is None]
    return (whole[-1], "") if whole else (place_to_break(head, 0, room), "")


def _paragraph_start(lines: list[Line], kinds: list[LineKind], number: int, room: int) -> int:
    """Where the text begins in which a cut at `room` is looked for: not too early."""
    while number > 0 and kinds[number - 1] is LineKind.TEXT and lines[number].start > room // 2:
        number -= 1
    return max(lines[number].start, room // 2)


def _cut_in_fence(head: str, lines: list[Line], crossing: Line, room: int) -> int:
    """Where to cut a fence: at a line, if there is one besides the fence's first."""
    inside = [line.end for line in lines if line.fence is crossing.fence]
    return inside[-1] if len(inside) > 1 else place_to_break(head, crossing.start, room)


def _may_end(head: str, lines: list[Line], kinds: list[LineKind], number: int) -> bool:
    """Whether a text may end with this line: with a paragraph, an item, a row or a fence."""
    if number + 1 == len(lines):
        return False  # what follows is not known
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
    """As much of a text as takes `limit` once rendered, and how many characters of it that is.

    Cut at a paragraph, else a line, else a sentence, else a word, as long as that leaves at least
    a quarter of what would fit; a fence that is longer than the rest is cut at a line and closed.
    """
    # No rendering makes a text shorter than half, so more than this never fits.
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
    part, at = _largest(head, partial(_cut, head, lines), render, room=room, limit=limit)
    return part, place_before(written, at)


def _largest(
    head: str,
    cut: Callable[[int], tuple[int, str]],
    render: Callable[[str], str],
    *,
    room: int,
    limit: int,
) -> tuple[str, int]:
    """The largest part, from `room` characters on down, that takes `limit` once rendered.

    And how many characters of `head` that is. `cut` says where a part of that room ends, and what
    closes it there.
    """
    while room > 0:
        at, closing = cut(room)
        shown = head[:at].rstrip().rstrip(_JOINER)
        part = render(shown + closing)
        if utf16_length(part) <= limit:
            return part, len(shown)
        room = min(at - 1, at * limit // utf16_length(part))
    return "", 0


def _cut(head: str, lines: list[Line], room: int) -> tuple[int, str]:
    """Where to cut, at `room` or before, and what must be written there to close a fence."""
    least = room // 4
    paragraph = line_end = fenced_line_end = 0
    crossing = lines[0]
    for line, after in pairwise([*lines, Line(len(head), len(head) + 1, None)]):
        crossing = line
        if line.end > room:
            break
        if line.fence is not None and line.fence is after.fence:
            fenced_line_end = line.end
            continue
        line_end = line.end
        blank = head[line.start : line.end].isspace() or head[after.start : after.end].isspace()
        if blank or line.fence is not after.fence:
            paragraph = line_end
    if paragraph > 0 and paragraph >= least:
        return paragraph, ""
    fence = crossing.fence
    if fence is not None and (fence.start < crossing.start or line_end == 0):
        begun = fenced_line_end > max(fence.start, least)
        return (fenced_line_end if begun else place_to_break(head, crossing.start, room)), (
            "\n" + fence.close
        )
    is_row = head[crossing.start : crossing.end].lstrip(" >").startswith("|")
    if line_end > 0 and (line_end >= least or is_row or fence is not None):
        return line_end, ""
    return place_to_break(head, max(line_end, least), room), ""

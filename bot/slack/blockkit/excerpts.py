"""The beginning of a long text, cut where a reader would cut it, in time of its own length."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from bot.slack.blockkit.markdown_lines import Line, lines_of
from bot.slack.blockkit.text import (
    clean_controls,
    neutralise_markdown,
    place_to_break,
    utf16_length,
)
from bot.slack.blockkit.unseen import place_before, reveal


def excerpt(markdown: str, limit: int) -> tuple[str, bool]:
    """The text, neutralised, at most `limit` long, and whether anything of it was left out."""
    shown, characters = first_part(markdown, limit)
    return shown, characters < length(markdown)


def length(text: str) -> int:
    """The characters of a text as people count them: a line end is one, however it is written."""
    return len(text) - text.count("\r\n")


def percent(shown: int, total: int) -> int:
    """How much of a text that is: 100 only if nothing is left out, 0 only if hardly anything is."""
    return 100 if shown >= total else 100 * shown // total


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
    while room > 0:
        at, closing = _cut(head, lines, room)
        shown = head[:at].rstrip()
        part = render(shown + closing)
        if utf16_length(part) <= limit:
            return part, place_before(written, len(shown))
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

"""What each line of Markdown is, as far as it matters where a text may be cut; in one pass.

Whatever could be a heading or a row of a table is called one: it is only about not cutting there.
"""

import re
from enum import Enum, auto
from typing import Final

from crewgate.slack.blockkit.markdown_lines import Line, lines_of


class LineKind(Enum):
    """What a line is."""

    BLANK = auto()
    TEXT = auto()
    """Of a paragraph or a list item."""
    HEADING = auto()
    """Also what only introduces what follows: a paragraph in bold or one that ends with a colon."""
    RULE = auto()
    TABLE_HEAD = auto()
    """The header of a table and the line below it."""
    ROW = auto()
    CODE = auto()
    """Of a fence, its marks included."""


_CONTAINER: Final = re.compile(r"(?:[ \t]*(?:>|[-*+](?=[ \t])|[0-9]{1,9}[.)](?=[ \t])))*[ \t]*")
_HEADING: Final = re.compile(r"#{1,6}(?:[ \t]|$)")
_UNDERLINE: Final = re.compile(r"(?:=+|-+)[ \t]*$")
_RULE: Final = re.compile(r"(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
_DELIMITERS: Final = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_BOLD: Final = re.compile(r"(\*\*|__)(?:(?!\1).){1,120}\1:?[ \t]*$")
_LIST_ITEM: Final = re.compile(r"[ \t>]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]")
_ROWS_BEFORE: Final = ([LineKind.ROW], [LineKind.TABLE_HEAD])


def kinds_of(text: str, lines: list[Line]) -> list[LineKind]:
    kinds: list[LineKind] = []
    begun = 0
    """The first line of the paragraph that the present line may go on with."""
    for number, line in enumerate(lines):
        written = text[line.start : line.end].rstrip("\n")
        kind = LineKind.CODE if line.fence is not None else _kind(written, kinds)
        if kind is LineKind.RULE and _UNDERLINE.match(written.strip(" \t>")) and _follows(kinds):
            kind = LineKind.HEADING
            kinds[begun:] = [LineKind.HEADING] * (number - begun)
        if kind is LineKind.TABLE_HEAD and kinds:
            kinds[-1] = LineKind.TABLE_HEAD
        if kind is not LineKind.TEXT or not _follows(kinds) or is_list_item(written):
            begun = number
        kinds.append(kind)
    return _with_introductions(text, lines, kinds)


def introduces(text: str) -> bool:
    """True if a text that ends outside of code ends with a heading or a table's header."""
    end = "\n".join(text.rstrip().rsplit("\n", 2)[-2:])
    lines = lines_of(end)
    return bool(lines) and kinds_of(end, lines)[-1] in {LineKind.HEADING, LineKind.TABLE_HEAD}


def is_list_item(line: str) -> bool:
    return _LIST_ITEM.match(line) is not None


def _follows(kinds: list[LineKind]) -> bool:
    return bool(kinds) and kinds[-1] is LineKind.TEXT


def _kind(line: str, before: list[LineKind]) -> LineKind:
    if not line.strip(" \t>"):
        return LineKind.BLANK
    found = _CONTAINER.match(line)
    inside = line[found.end() :] if found is not None else line
    in_table = bool(before) and before[-1] in {LineKind.TABLE_HEAD, LineKind.ROW}
    if _HEADING.match(inside):
        return LineKind.HEADING
    if "|" in inside and _DELIMITERS.match(inside):
        # Below the first line of a table it makes that line the header; later it is a row.
        below_first = before[-1:] == [LineKind.ROW] and before[-2:-1] not in _ROWS_BEFORE
        return LineKind.ROW if in_table and not below_first else LineKind.TABLE_HEAD
    bare = line.strip(" \t>")
    if _RULE.match(bare) or _UNDERLINE.match(bare):
        return LineKind.RULE
    if in_table or inside.startswith("|"):
        return LineKind.ROW
    return LineKind.TEXT


def _with_introductions(text: str, lines: list[Line], kinds: list[LineKind]) -> list[LineKind]:
    """A line of text that stands alone and only leads to what follows counts as a heading."""
    for number, kind in enumerate(kinds):
        after = kinds[number + 1] if number + 1 < len(kinds) else None
        before = kinds[number - 1] if number else None
        if kind is not LineKind.TEXT or after is LineKind.TEXT:
            continue
        written = text[lines[number].start : lines[number].end].rstrip()
        alone = before is not LineKind.TEXT
        if written.endswith(":") or (alone and _BOLD.match(written)):
            kinds[number] = LineKind.HEADING
    return kinds

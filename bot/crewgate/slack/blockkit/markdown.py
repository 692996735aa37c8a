"""Markdown as an LLM writes it: lines and fences, and markdown-it's tokens.

Lines and fences are found in texts of any length; markdown-it takes everything else apart. Syntax
that would make text vanish is switched off. What is drawn of the tokens stands in `parts.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from typing_extensions import override

_HIDING: Final = ["reference", "html_block", "html_inline", "entity"]
_OPTIONS: Final = {"html": False, "maxNesting": 40}


class _Parser(MarkdownIt):
    """Leaves addresses as they are written."""

    @override
    def normalizeLink(self, url: str) -> str:
        return url

    @override
    def normalizeLinkText(self, link: str) -> str:
        return link


_MARKDOWN: Final = (
    _Parser("commonmark", _OPTIONS).enable(["table", "strikethrough"]).disable(_HIDING)
)
_WITHOUT_TABLES: Final = _Parser("commonmark", _OPTIONS).enable("strikethrough").disable(_HIDING)
CELLS: Final = 5_000
"""The most cells of tables that are read as tables; markdown-it fills up short rows."""
_MARKS: Final = re.compile(r"[\\`*_~\[<\n]")


def blocks_of(markdown: str, *, tables: bool = True) -> list[Token]:
    parser = _MARKDOWN if tables else _WITHOUT_TABLES
    tokens: list[Token] = []
    parser.block.parse(markdown, parser, {}, tokens)
    return tokens


def inlines_of(paragraph: str) -> list[Token]:
    tokens: list[Token] = []
    _MARKDOWN.inline.parse(paragraph, _MARKDOWN, {}, tokens)
    return tokens


def may_format(paragraph: str) -> bool:
    """Return False if a paragraph is surely shown as written."""
    return _MARKS.search(paragraph) is not None


def few_cells(markdown: str, *, most: int = CELLS) -> bool:
    """Return True if the tables are small enough for markdown-it, which fills up short rows."""
    together = groupby(markdown.split("\n"), key=lambda line: bool(line.strip()))
    columns = [[1 + line.count("|") for line in lines] for filled, lines in together if filled]
    return sum(max(counts) * len(counts) for counts in columns if max(counts) > 1) <= most


# A fence may stand in quotes and list items, after up to 40 of their marks and spaces. Backticks
# open a fence only if no other backtick is in their line. A mark has at most 40 characters.
_FENCE = re.compile(
    r"(?P<prefix>(?:[ \t>]|(?:[-*+]|[0-9]{1,9}[.)])[ \t]){0,40})"
    r"(?P<mark>`{3,40}(?=[^`\n]*(?:\n|$))|~{3,40}(?!~))"
)
_FENCE_MARK = re.compile("```|~~~")
_WRITTEN_LINE = re.compile(r"[^\n]*\n|[^\n]+")
#: The most characters of a fence's info string, usually a language, that the next page repeats.
_INFO_SHOWN = 40


class Fence:
    """A fenced code block, compared by identity."""

    __slots__ = ("_found", "end", "mark", "start")

    def __init__(self, found: re.Match[str]) -> None:
        self._found = found
        self.start = found.start()
        self.mark = found["mark"]
        self.end = len(found.string)
        """The place after the fence's last line, once known."""

    @property
    def opening(self) -> str:
        begun = self._found.string[self.start : self._found.end() + _INFO_SHOWN]
        return begun.split("\n", 1)[0] + "\n"

    @property
    def close(self) -> str:
        return re.sub(r"[^ \t>]", " ", self._found["prefix"]) + self.mark

    def ends_with(self, line: str) -> bool:
        bare = line.strip(" \t\n>")
        return len(bare) >= len(self.mark) and not bare.strip(self.mark[0])


@dataclass(slots=True)
class Line:
    """A line with its line end, from `start` to `end`, and the fence that it is part of."""

    start: int
    end: int
    fence: Fence | None


def fences_of(text: str) -> Iterator[Fence]:
    """Yield the fences of cleaned Markdown, in order; reads only lines with a fence's mark."""
    # `in` takes a fraction of the time of `_FENCE_MARK.search`, and most texts have no fence.
    if "```" not in text and "~~~" not in text:
        return
    fence: Fence | None = None
    at = 0
    while (found := _FENCE_MARK.search(text, at)) is not None:
        start = text.rfind("\n", at, found.start()) + 1 or at
        at = text.find("\n", found.end()) + 1 or len(text)
        if fence is None:
            opening = _FENCE.match(text, start)
            fence = Fence(opening) if opening is not None else None
        elif fence.ends_with(text[start:at]):
            fence.end = at
            yield fence
            fence = None
    if fence is not None:
        yield fence


def lines_of(text: str) -> list[Line]:
    lines: list[Line] = []
    fences = fences_of(text)
    fence = next(fences, None)
    for match in _WRITTEN_LINE.finditer(text):
        if fence is not None and match.start() >= fence.end:
            fence = next(fences, None)
        inside = fence is not None and match.start() >= fence.start
        lines.append(Line(match.start(), match.end(), fence if inside else None))
    return lines


class LineKind(Enum):
    """The kind of a line."""

    BLANK = auto()
    TEXT = auto()
    HEADING = auto()
    """A heading, or a line that introduces others: a paragraph in bold, or ending with a colon."""
    RULE = auto()
    TABLE_HEAD = auto()
    ROW = auto()
    CODE = auto()
    """A line of a fence, or its mark."""


_KINDS: Final = {
    "heading_open": LineKind.HEADING,
    "hr": LineKind.RULE,
    "table_open": LineKind.ROW,
    "thead_open": LineKind.TABLE_HEAD,
}
_BOLD: Final = re.compile(r"(\*\*|__)(?:(?!\1).){1,120}\1:?[ \t]*$")
_LIST_ITEM: Final = re.compile(r"[ \t>]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]")


def kinds_of(text: str, lines: list[Line]) -> list[LineKind]:
    written = [text[line.start : line.end].strip(" \t\n>") for line in lines]
    kinds = [LineKind.TEXT if words else LineKind.BLANK for words in written]
    for token in blocks_of(text, tables=few_cells(text)):
        if token.type in _KINDS and token.map:
            first, last = token.map
            last += token.type == "thead_open"  # `map` lacks the dashes below a table's head
            kinds[first:last] = [_KINDS[token.type]] * (last - first)
    for number, line in enumerate(lines):
        if line.fence is not None:
            kinds[number] = LineKind.CODE
        elif kinds[number] is LineKind.TEXT and LineKind.TEXT not in kinds[number + 1 : number + 2]:
            alone = number == 0 or kinds[number - 1] is not LineKind.TEXT
            if written[number].endswith(":") or (alone and _BOLD.match(written[number])):
                kinds[number] = LineKind.HEADING
    return kinds


def introduces(text: str) -> bool:
    """Return True if a text ends with a heading or a table's header, outside code."""
    end = "\n".join(text.rstrip().rsplit("\n", 2)[-2:])
    lines = lines_of(end)
    return bool(lines) and kinds_of(end, lines)[-1] in {LineKind.HEADING, LineKind.TABLE_HEAD}


def is_list_item(line: str) -> bool:
    return _LIST_ITEM.match(line) is not None

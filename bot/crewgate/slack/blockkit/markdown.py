"""Markdown as an LLM writes it: lines and fences, tokens, runs of text, and passages.

Lines and fences are found in texts of any length; markdown-it takes everything else apart. Syntax
that would make text vanish is switched off. Links show their address beside their label.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from crewgate.domain.changes import CELLS_BETWEEN, Passage, PassageKind

_HIDING: Final = ["reference", "html_block", "html_inline", "entity"]
_OPTIONS: Final = {"html": False, "maxNesting": 40}
_MARKDOWN: Final = (
    MarkdownIt("commonmark", _OPTIONS).enable(["table", "strikethrough"]).disable(_HIDING)
)
_WITHOUT_TABLES: Final = MarkdownIt("commonmark", _OPTIONS).enable("strikethrough").disable(_HIDING)
_CELLS: Final = 5_000
MARKS: Final = re.compile(r"[\\`*_~\[\]!<&\n]")
"""A text without any of these characters is shown as written."""
_TASK: Final = re.compile(r"\[([ xX])\] ")
_STYLES: Final = {"strong": "bold", "em": "italic", "s": "strike"}


@dataclass(frozen=True, slots=True)
class Run:
    """Some text in one style: any of bold, italic, strike and code."""

    text: str
    styles: tuple[str, ...] = ()


def tokens_of(markdown: str, *, tables: bool = True) -> list[Token]:
    return (_MARKDOWN if tables else _WITHOUT_TABLES).parse(markdown)


def blocks_of(markdown: str, *, tables: bool = True) -> list[Token]:
    parser = _MARKDOWN if tables else _WITHOUT_TABLES
    tokens: list[Token] = []
    parser.block.parse(markdown, parser, {}, tokens)
    return tokens


def few_cells(markdown: str, *, most: int = _CELLS) -> bool:
    """Return True if the tables are small enough for markdown-it, which fills up short rows."""
    together = groupby(markdown.split("\n"), key=lambda line: bool(line.strip()))
    columns = [[1 + line.count("|") for line in lines] for filled, lines in together if filled]
    return sum(max(counts) * len(counts) for counts in columns if max(counts) > 1) <= most


def text_in(written: str) -> str:
    if MARKS.search(written) is None:
        return written
    return "".join(run.text for run in runs_in(written))


def with_box(text: str) -> str:
    found = _TASK.match(text)
    return text if found is None else ("☐ " if found[1] == " " else "☑ ") + text[found.end() :]


def runs_in(written: str) -> list[Run]:
    [paragraph] = _MARKDOWN.parseInline(written)
    return list(runs_of(paragraph.children or []))


def runs_of(children: Sequence[Token], *, bold: bool = False) -> Iterator[Run]:
    on = {"bold"} if bold else set()
    addresses: list[str] = []
    label = ""
    for token in children:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind in _STYLES:
            on.add(_STYLES[kind]) if token.nesting > 0 else on.discard(_STYLES[kind])
        elif token.type == "link_open":
            addresses.append(str(token.attrs.get("href", "")))
            label = ""
        elif token.type == "link_close":
            address = addresses.pop()
            if address not in {label, f"mailto:{label}"}:
                yield Run(f" ({address})")
        else:
            text = _text_of(token)
            label += text
            if text:
                code = ("code",) if token.type == "code_inline" else ()
                yield Run(text, (*sorted(on), *code))


def _text_of(token: Token) -> str:
    match token.type:
        case "softbreak" | "hardbreak":
            return "\n"
        case "image":
            return f"{token.content} ({token.attrs.get('src', '')})".lstrip()
        case _:
            return token.content


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


_CELLS_READ: Final = 30_000
"""Tables with more cells are read line by line, for markdown-it fills up short rows."""
_PARAGRAPH_LINES: Final = 30
"""The most lines of one passage; in a longer paragraph each line is a passage."""
_FORMATTED: Final = 6_000
_ALL_FORMATTED: Final = 200_000
"""The most characters of one paragraph, and of all paragraphs with marks, whose marks are read."""


def passages_of(markdown: str) -> list[Passage]:
    return list(_Reader(blocks_of(markdown, tables=few_cells(markdown, most=_CELLS_READ))).read())


def lines_as_passages(text: str) -> list[Passage]:
    return [Passage(kind=PassageKind.CODE, text=line) for line in text.split("\n") if line.strip()]


class _Reader:
    """Walks over markdown-it's tokens once."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._kind = PassageKind.PARAGRAPH
        self._begins = False
        """True before an item's first text."""
        self._row: list[str] | None = None
        self._table: str | None = None
        self._left = _ALL_FORMATTED

    def read(self) -> Iterator[Passage]:
        for token in self._tokens:
            match token.type:
                case "heading_open" | "heading_close":
                    opens = token.nesting > 0
                    self._kind = PassageKind.HEADING if opens else PassageKind.PARAGRAPH
                case "list_item_open":
                    self._begins = True
                case "table_open":
                    self._table = None
                case "tr_open":
                    self._row = []
                case "tr_close":
                    yield from self._end_row()
                case "inline" if self._row is not None:
                    self._row.append(" ".join(self._shown(token.content).split()))
                case "inline":
                    yield from self._text(token.content)
                case "fence" | "code_block":
                    self._begins = False
                    yield from lines_as_passages(token.content)
                case _:
                    pass

    def _end_row(self) -> Iterator[Passage]:
        cells = tuple(self._row or ())
        self._row = None
        text = CELLS_BETWEEN.join(cells)
        if self._table is None:
            self._table = text
            yield Passage(kind=PassageKind.HEADER, text=text, cells=cells)
        else:
            yield Passage(kind=PassageKind.ROW, text=text, cells=cells, table=self._table)

    def _text(self, written: str) -> Iterator[Passage]:
        kind = PassageKind.ITEM if self._begins else self._kind
        shown = self._shown(written).strip()
        if self._begins:
            shown = with_box(shown)
        self._begins = False
        lines = shown.split("\n")
        for one in lines if len(lines) > _PARAGRAPH_LINES else [shown]:
            if one.strip():
                yield Passage(kind=kind, text=one)

    def _shown(self, written: str) -> str:
        """Return a paragraph as shown; strikethrough keeps its marks, for they change the sense."""
        if len(written) > _FORMATTED or MARKS.search(written) is None:
            return written
        self._left -= len(written)
        if self._left < 0:
            return written
        return "".join(
            f"~~{run.text}~~" if "strike" in run.styles else run.text for run in runs_in(written)
        )

"""Messages as lines of text for a terminal: what a person reads, without any markup.

The page's HTML is what is read; it comes from the same blocks as in the browser.
"""

import textwrap
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import Final

from crewgate.demo.playground.markdown import markdown
from crewgate.demo.playground.mrkdwn import Names, mrkdwn
from crewgate.demo.playground.render_html import render_blocks
from crewgate.demo.workspace import Message
from crewgate.demo.workspace.text import Json, elements, label

WIDTH: Final = 92
"""Characters of a line; tables and code are not broken."""
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "div"})
_LISTS: Final = frozenset({"ul", "ol"})
_APART: Final = frozenset({"markdown", "rich_text", "actions", "header"})
"""The blocks that have an empty line around them."""
_RULE: Final = "─" * 12


def read_message(message: Message, names: Names) -> list[str]:
    """The lines of a message: its blocks, or its text where it has none, and its files."""
    lines = list(_of_blocks(message.all_blocks, names)) if message.all_blocks else []
    lines = lines or read_html(mrkdwn(message.text, names))
    return [*lines, *(f"[file] {file.title or file.name}" for file in message.files)]


def read_markdown(text: str) -> list[str]:
    return read_html(markdown(text))


def read_html(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.lines()


def _of_blocks(blocks: Sequence[Json], names: Names) -> Iterator[str]:
    before = None
    for block in blocks:
        kind, lines = block.get("type"), _of_block(block, names)
        if before is not None and lines and {before, kind} & _APART:
            yield ""
        yield from lines
        before = kind


def _of_block(block: Json, names: Names) -> list[str]:
    match block.get("type"):
        case "actions":
            return ["  ".join(f"[ {label(element)} ]" for _, element in elements([block]))]
        case "divider":
            return [_RULE]
        case _:
            return read_html("<br>".join(_texts(block, names)))


def _texts(block: Json, names: Names) -> Iterator[str]:
    """The HTML of each text of a block, in the order in which they are read."""
    [shown] = render_blocks([block], names)
    text = shown.get("text")
    if shown.get("type") == "context":
        yield " ".join(one.get("html", "") for one in shown["elements"])
    else:
        # A Markdown block is a text object itself.
        for one in (text if isinstance(text, dict) else shown, *shown.get("fields", ())):
            yield one.get("html", "")


class _Reader(HTMLParser):
    """Collects lines from the HTML that the page's renderers make, and from no other."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._line = ""
        self._lists: list[int | None] = []
        """For each list around: the next number, or None for bullets."""
        self._quotes = 0
        self._code = False
        self._table: list[list[str]] = []

    def lines(self) -> list[str]:
        """All of them, without empty ones at either end."""
        self._end_line()
        text = "\n".join(self._lines).strip("\n")
        return text.split("\n") if text else []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        match tag:
            case "br":
                self._end_line(keep=True)
            case "hr":
                self._gap()
                self._lines += [_RULE, ""]
            case "table" | "tr" | "th" | "td":
                self._begin_table(tag)
            case "li":
                self._end_line()
                self._line = self._marker()
            case "ul" | "ol":
                self._begin_list(tag, dict(attrs))
            case "pre":
                self._gap()
                self._code = True
            case "blockquote":
                self._end_line()
                self._quotes += 1
            case _ if tag in _PARAGRAPHS:
                self._gap()

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "th" | "td":
                self._table[-1].append(self._line)
                self._line = ""
            case "table":
                self._lines += [*_aligned(self._table), ""]
                self._line = ""
            case "li":
                self._end_line()
            case "ul" | "ol":
                self._lists.pop()
                if not self._lists:
                    self._gap()
            case "pre":
                self._lines += [*self._line.rstrip("\n").split("\n"), ""]
                self._line, self._code = "", False
            case "blockquote":
                self._end_line()
                self._quotes -= 1
            case _ if tag in _PARAGRAPHS:
                self._gap()

    def handle_data(self, data: str) -> None:
        """Add text; outside code, ends of lines are layout of the HTML."""
        if self._code:
            self._line += data
        elif data.strip("\n"):
            self._line += (data if self._line else data.lstrip("\n")).replace("\n", " ")

    def _begin_table(self, tag: str) -> None:
        if tag == "table":
            self._gap()
            self._table = []
        elif tag == "tr":
            self._table.append([])
        else:
            self._line = ""

    def _begin_list(self, tag: str, attrs: dict[str, str | None]) -> None:
        if self._lists:
            self._end_line()
        else:
            self._gap()
        self._lists.append(int(attrs.get("start") or 1) if tag == "ol" else None)

    def _marker(self) -> str:
        number = self._lists[-1]
        if number is not None:
            self._lists[-1] = number + 1
        indent = "  " * (len(self._lists) - 1)
        return f"{indent}- " if number is None else f"{indent}{number}. "

    def _end_line(self, *, keep: bool = False) -> None:
        """Close the line; an empty one is nothing, unless it is to be kept."""
        line, self._line = self._line, ""
        prefix = "> " * self._quotes
        if line.strip():
            # What follows the first line of an item stands below its text.
            indent = " " * (len(line) - len(line.lstrip(" ")) + 2 * bool(self._lists))
            wrapped = textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False)
            self._lines += [f"{prefix}{part}".rstrip() for part in wrapped]
        elif keep and self._lines and self._lines[-1]:
            self._lines.append("")

    def _gap(self) -> None:
        """Close the line and leave one empty; in an item, whose marker waits, neither."""
        if self._lists and not self._line.strip(" -.0123456789"):
            return
        self._end_line()
        if not self._lists and self._lines and self._lines[-1]:
            self._lines.append("")


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with its columns below each other, and a line below its head."""
    count = max(map(len, rows), default=0)
    full = [[*row, *[""] * (count - len(row))] for row in rows]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in full
    ]
    return [*lines[:1], "  ".join("─" * width for width in widths), *lines[1:]]

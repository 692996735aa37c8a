"""Markdown as an LLM writes it, taken apart by markdown-it: its tokens, and its runs of text.

What would make text vanish is switched off, so that it is shown as it was written. Links show
their address beside their label.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_HIDING: Final = ["reference", "html_block", "html_inline", "entity"]
_OPTIONS: Final = {"html": False, "maxNesting": 40}
_MARKDOWN: Final = (
    MarkdownIt("commonmark", _OPTIONS).enable(["table", "strikethrough"]).disable(_HIDING)
)
_WITHOUT_TABLES: Final = MarkdownIt("commonmark", _OPTIONS).enable("strikethrough").disable(_HIDING)
_CELLS: Final = 5_000
MARKS: Final = re.compile(r"[\\`*_~\[\]!<&\n]")
"""A text without any of these is shown as it was written."""
_TASK: Final = re.compile(r"\[([ xX])\] ")
_STYLES: Final = {"strong": "bold", "em": "italic", "s": "strike"}


@dataclass(frozen=True, slots=True)
class Run:
    """Some text in one style: any of bold, italic, strike and code."""

    text: str
    styles: tuple[str, ...] = ()


def tokens_of(markdown: str, *, tables: bool = True) -> list[Token]:
    """The blocks of cleaned Markdown, with all that is in them."""
    return (_MARKDOWN if tables else _WITHOUT_TABLES).parse(markdown)


def blocks_of(markdown: str, *, tables: bool = True) -> list[Token]:
    """The same with what is in a paragraph as it was written, for `runs_in`."""
    parser = _MARKDOWN if tables else _WITHOUT_TABLES
    tokens: list[Token] = []
    parser.block.parse(markdown, parser, {}, tokens)
    return tokens


def few_cells(markdown: str) -> bool:
    """True if its tables can be taken apart: Markdown fills up every short row."""
    lines = markdown.split("\n")
    return (1 + max(line.count("|") for line in lines)) * len(lines) <= _CELLS


def text_in(written: str) -> str:
    """The text of a paragraph as it was written, without its marks."""
    if MARKS.search(written) is None:
        return written
    return "".join(run.text for run in runs_in(written))


def with_box(text: str) -> str:
    """An item's text, with a box in place of the `[ ]` or `[x]` of a task."""
    found = _TASK.match(text)
    return text if found is None else ("☐ " if found[1] == " " else "☑ ") + text[found.end() :]


def runs_in(written: str) -> list[Run]:
    [paragraph] = _MARKDOWN.parseInline(written)
    return list(runs_of(paragraph.children or []))


def runs_of(children: Sequence[Token], *, bold: bool = False) -> Iterator[Run]:
    """Inline tokens as runs of text; `bold`: all of them are bold."""
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

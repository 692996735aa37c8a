"""The beginning of what an agent wrote, in one line of a list: words alone, no marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from markdown_it.token import Token

from bot.slack.blockkit.rich_text import parse
from bot.slack.blockkit.text import clean

#: What JSON is made of, and a string that was cut off.
_JSON: Final = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)(?:"\s*(?P<key>:)?|$)|(?P<scalar>[^\s"{}\[\],:]+)', re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


def preview_of_markdown(markdown: str) -> str:
    """The words of headings, paragraphs and items; else of tables, cell by cell; else of code."""
    tokens = parse(clean(markdown))
    for parts in (_prose(tokens), _cells(tokens), _code(tokens)):
        text = " ".join(filter(None, map(str.strip, parts)))
        if text:
            return text
    return ""


def preview_of_json(text: str) -> str:
    """Its keys and values in order, without brackets and quotation marks: `name: Ana, age: 31`."""
    made = ""
    for found in _JSON.finditer(clean(text)):
        words = found["scalar"] or _ESCAPE.sub(" ", found["text"] or "")
        made += f"{words}: " if found["key"] else f"{words}, "
    return made.rstrip(", :")


def _prose(tokens: list[Token]) -> Iterator[str]:
    in_table = False
    for token in tokens:
        if token.type in {"table_open", "table_close"}:
            in_table = token.nesting > 0
        elif token.type == "inline" and not in_table:
            yield _sentence(_words(token).strip())


def _sentence(words: str) -> str:
    """What ends like a sentence where the next one begins on the same line."""
    return f"{words}." if words and words[-1].isalnum() else words


def _cells(tokens: list[Token]) -> Iterator[str]:
    row: list[str] = []
    for token in tokens:
        if token.type == "inline":
            row.append(_words(token))
        elif token.type == "tr_close":
            yield f"{' · '.join(filter(str.strip, row))};"
            row = []


def _code(tokens: list[Token]) -> Iterator[str]:
    return (token.content for token in tokens if token.type in {"fence", "code_block"})


def _words(token: Token) -> str:
    """The text of a paragraph; of an image or a link what it is called."""
    return "".join(
        "\n" if one.type in {"softbreak", "hardbreak"} else one.content
        for one in token.children or ()
    )

"""Markdown that tries to call people, hide links and break out; and what is read of it."""

import re
import string
from collections.abc import Sequence
from itertools import cycle
from operator import add

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from crewgate.slack.blockkit.text import JOINER

NASTY = (
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<#C1|general>",
    "<!subteam^S1>",
    "<!date^1^{date}|now>",
    "<https://evil.example|bank>",
    "&lt;!channel&gt;",
    "&#60;@U1&#x3E;",
    "&LT;!here&GT;",
    "<&#33;channel>",
    "<\\!channel>",
    "[bank](https://evil.example)",
    "[bank](<https://evil.example> 'yes')",
    "![cat](https://evil.example/cat.png)",
    "[![build](https://i.example)](https://ci.example)",
    "[bank][1]",
    "[1]: https://evil.example",
    "[x](javascript:alert)",
    "<https://plain.example/path>",
    "<me@example.com>",
    "<!-- hidden -->",
    "<b>bold</b>",
    "@channel",
    "@here",
    "```",
    "`",
    "~~~",
    "    ",
    "\n",
    "\r\n",
    "\n\n",
    "> ",
    "- ",
    "| a | b |",
    "[",
    "](",
    "\\",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ud800",
    "שלום",
    "👩‍👩‍👧",
    "e\u0301",
    "R&D",
    "word",
)


def made_of(pieces: Sequence[str]) -> st.SearchStrategy[str]:
    """Texts of these pieces and any characters: capitals, digits and Latin-1 stand for pieces.

    A text is two choices for Hypothesis, where a list of pieces is twenty and ten times as dear.
    """
    letters = [*string.ascii_uppercase, *string.digits, *map(chr, range(0xAE, 0x100))]
    meant = {ord(letter): piece for letter, piece in zip(letters, cycle(pieces), strict=False)}
    some = st.text(max_size=30)
    return st.builds(add, some, some).map(lambda text: text.translate(meant))


texts = made_of(NASTY)


def tokens(markdown: str) -> list[Token]:
    """Everything a Markdown parser of somebody else's finds, flattened."""
    return [
        inner
        for outer in MarkdownIt("commonmark").enable("table").parse(markdown)
        for inner in (outer, *(outer.children or ()))
    ]


def words_of(text: str) -> list[str]:
    """Return the words that a reader reads, without punctuation."""
    return re.findall(r"\w+", text.replace(JOINER, ""))

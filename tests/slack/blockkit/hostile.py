"""Markdown that tries to call people, hide links and break out; and what is read of it."""

import re

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from crewgate.slack.blockkit.unseen import JOINER

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
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=6)), max_size=40).map("".join)


def tokens(markdown: str) -> list[Token]:
    """Everything a Markdown parser of somebody else's finds, flattened."""
    return [
        inner
        for outer in MarkdownIt("commonmark").enable("table").parse(markdown)
        for inner in (outer, *(outer.children or ()))
    ]


def words_of(text: str) -> list[str]:
    """What a reader reads, without punctuation."""
    return re.findall(r"\w+", text.replace(JOINER, ""))

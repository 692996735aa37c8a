"""The beginning of what an agent wrote, in one line of a list: words alone, no marks.

Nothing is said that was not written: no full stop is added, and no number is cut.
"""

from __future__ import annotations

import re
from typing import Final

from crewgate.slack.blockkit.markdown import runs_of
from crewgate.slack.blockkit.rich_text import parse
from crewgate.slack.blockkit.text import ELLIPSIS, clean, whole_character

#: What JSON is made of, and a string that was cut off.
_JSON: Final = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)(?:"\s*(?P<key>:)?|$)|(?P<scalar>[^\s"{}\[\],:]+)', re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED_LETTER: Final = r"\u"
_LONG_WORD: Final = 50
"""The longest that is left out rather than cut."""
_ENDS: Final = tuple(".!?:;…。！？")
"""Beside these, what follows on the same line needs no divider."""


def preview(text: str, *, is_json: bool, characters: int, limit: int) -> tuple[str, bool]:
    """The words of an output in at most `limit` characters, and whether nothing is left out.

    `text` is the beginning of the output, `characters` how long all of it is.
    """
    words = _words_of_json(text) if is_json else _words_of_markdown(text)
    line = " ".join(words.split())
    is_whole = characters <= len(text) and not (is_json and _ESCAPED_LETTER in text)
    if is_whole and len(line) <= limit:
        return line, True
    return _cut(line, min(limit, len(line))), False


def _cut(line: str, latest: int) -> str:
    """The line up to `latest` or before, with an ellipsis.

    It ends with a whole word that is no number, for a number may go on: 60 000.
    """
    earliest = max(0, latest - _LONG_WORD)
    at = line.rfind(" ", earliest, latest + 1)
    while at > 0 and line[at - 1].isdigit():
        at = line.rfind(" ", earliest, at)
    if at > 0:
        return f"{line[:at].rstrip(' ·')} {ELLIPSIS}"
    # One long word or number, or a script without spaces.
    at = whole_character(line, latest)
    return line[:at].rstrip(" ·0123456789.,'") + ELLIPSIS


def _words_of_markdown(markdown: str) -> str:
    """Its paragraphs, items, cells and code in order, with the addresses of its links."""
    made = ""
    for token in parse(clean(markdown)):
        if token.type == "inline":
            piece = "".join(run.text for run in runs_of(token.children or [])).strip()
        else:
            piece = f"{token.info} {token.content}".strip()
        if made and piece:
            made += " " if made.endswith(_ENDS) else " · "
        made += piece
    return made


def _words_of_json(text: str) -> str:
    """Its keys and values in order, without brackets and quotation marks: `name: Ana, age: 31`."""
    made = ""
    for found in _JSON.finditer(clean(text)):
        words = found["scalar"] or _ESCAPE.sub(" ", found["text"] or "")
        made += f"{words}: " if found["key"] else f"{words}, "
    return made.rstrip(", :")

"""The beginning of what an agent wrote, in one line of a list: words alone, no marks.

Nothing is said that was not written: no full stop is added, and no number is cut.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from crewgate.domain.caveats import Share
from crewgate.slack.blockkit.markdown import blocks_of, few_cells, text_in
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


@dataclass(frozen=True, slots=True)
class Preview:
    """One line of an output, and what of the output is not in it."""

    words: str
    """They end with an ellipsis where anything is left out."""
    share: Share
    rows: tuple[int | None, ...] = ()
    """The rows of each table that is left out; None where its end was not read."""
    code_lines: int = 0
    """The lines of the code that is left out."""


@lru_cache(maxsize=200)
def preview(text: str, *, is_json: bool, characters: int, limit: int) -> Preview:
    """The words of an output in at most `limit` characters.

    `text` is the beginning of the output, `characters` how long all of it is.
    """
    is_read = characters <= len(text) and not (is_json and _ESCAPED_LETTER in text)
    pieces = [_Piece([_words_of_json(text)])] if is_json else _pieces_of(clean(text))
    line, rows, code_lines = "", [], 0
    reach = limit
    for piece in pieces:
        joined = line
        for part in piece.parts:
            if len(joined) <= limit:
                joined = _joined(joined, part if is_json or piece.code_lines else text_in(part))
        if piece.is_prose or len(joined) <= limit:
            line = joined
            continue
        reach = min(reach, len(line))
        code_lines += piece.code_lines
        if piece.rows is not None:
            ends_here = is_read or piece is not pieces[-1]
            rows.append(piece.rows if ends_here else None)
    if is_read and not rows and not code_lines and len(line) <= limit:
        return Preview(line, Share(characters, characters) if line else Share(0, 0))
    fits = is_read and len(line) <= limit
    words = f"{line} {ELLIPSIS}" if fits else _cut(line, min(limit, len(line)))
    share = Share(max(0, min(reach, len(words) - 1, characters - 1)), characters)
    return Preview(words, share, tuple(rows), code_lines)


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


@dataclass(slots=True)
class _Piece:
    """A paragraph, an item, or a whole table or code, which stand whole or not; as written."""

    parts: list[str]
    rows: int | None = None
    code_lines: int = 0

    @property
    def is_prose(self) -> bool:
        return self.rows is None and not self.code_lines


def _pieces_of(markdown: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    table: _Piece | None = None
    for token in blocks_of(markdown, tables=few_cells(markdown)):
        match token.type:
            case "table_open":
                table = _Piece([], rows=-1)  # the first row is the header
                pieces.append(table)
            case "table_close":
                table = None
            case "tr_open" if table is not None and table.rows is not None:
                table.rows += 1
            case "inline" if table is not None:
                table.parts.append(token.content)
            case "inline":
                pieces.append(_Piece([token.content]))
            case "fence" | "code_block":
                code = f"{token.info} {token.content}"
                pieces.append(_Piece([code], code_lines=len(token.content.splitlines())))
            case _:
                pass
    return pieces


def _joined(made: str, piece: str) -> str:
    """The words so far and what follows, with a divider unless a sentence ends there."""
    words = " ".join(piece.split())
    if made and words:
        made += " " if made.endswith(_ENDS) else " · "
    return made + words


def _words_of_json(text: str) -> str:
    """Its keys and values in order, without brackets and quotation marks: `name: Ana, age: 31`."""
    made = ""
    for found in _JSON.finditer(clean(text)):
        words = found["scalar"] or _ESCAPE.sub(" ", found["text"] or "")
        made += f"{words}: " if found["key"] else f"{words}, "
    return " ".join(made.split()).rstrip(", :") or text.strip()

"""A text from outside as the passages that a reader sees, for comparing it with another."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from markdown_it.token import Token

from crewgate.domain.passages import Passage, PassageKind
from crewgate.domain.words import CELLS_BETWEEN
from crewgate.slack.blockkit.markdown import MARKS, blocks_of, runs_in, with_box

_CELLS: Final = 30_000
"""Tables with more cells are taken by lines: Markdown fills up every short row."""
_LINES: Final = 30
"""A paragraph with more lines is a passage for each of them."""
_FORMATTED: Final = 6_000
_ALL_FORMATTED: Final = 200_000
"""A paragraph with more characters, or beyond so many with marks in them in all, is taken as it was
written."""


def passages_of(markdown: str) -> list[Passage]:
    """The passages of cleaned Markdown, in order; lines between them and rules are none."""
    return list(_Reader(blocks_of(markdown, tables=_most_cells(markdown) <= _CELLS)).read())


def lines_as_passages(text: str) -> list[Passage]:
    """Those of a text that is shown as it was written."""
    return [Passage(PassageKind.CODE, line) for line in text.split("\n") if line.strip()]


def _most_cells(markdown: str) -> int:
    """How many cells the tables may have: a blank line ends a table."""
    together = groupby(markdown.split("\n"), key=lambda line: bool(line.strip()))
    columns = [[1 + line.count("|") for line in lines] for filled, lines in together if filled]
    return sum(max(counts) * len(counts) for counts in columns if max(counts) > 1)


class _Reader:
    """Walks over markdown-it's tokens once."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._kind = PassageKind.PARAGRAPH
        self._begins = False
        """The next text is an item's first."""
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
            yield Passage(PassageKind.HEADER, text, cells)
        else:
            yield Passage(PassageKind.ROW, text, cells, table=self._table)

    def _text(self, written: str) -> Iterator[Passage]:
        kind = PassageKind.ITEM if self._begins else self._kind
        shown = self._shown(written).strip()
        if self._begins:
            shown = with_box(shown)
        self._begins = False
        lines = shown.split("\n")
        for one in lines if len(lines) > _LINES else [shown]:
            if one.strip():
                yield Passage(kind, one)

    def _shown(self, written: str) -> str:
        """A paragraph as it is shown.

        What is struck through keeps its marks: they change its sense.
        """
        if len(written) > _FORMATTED or MARKS.search(written) is None:
            return written
        self._left -= len(written)
        if self._left < 0:
            return written
        return "".join(
            f"~~{run.text}~~" if "strike" in run.styles else run.text for run in runs_in(written)
        )

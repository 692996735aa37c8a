"""The passages of an output, for its comparison with another one: their words as they are drawn."""

from collections.abc import Collection, Iterator
from typing import Final

from crewgate.domain.changes import CELLS_BETWEEN, Passage, PassageKind
from crewgate.slack.blockkit.parts import Part, PartKind, Runs, drawn_blocks, marked, text_of

_CELLS_READ: Final = 30_000
"""Tables with more cells are read line by line, for markdown-it fills up short rows."""
_PARAGRAPH_LINES: Final = 30
"""The most lines of one passage; in a longer paragraph each line is a passage."""
_KINDS: Final = {
    PartKind.HEADING: PassageKind.HEADING,
    PartKind.PARAGRAPH: PassageKind.PARAGRAPH,
    PartKind.ITEM: PassageKind.ITEM,
}


def passages_of(markdown: str, lines: Collection[int] | None = None) -> list[Passage]:
    """Return the passages of a cleaned text; with `lines`, those of others are as written."""
    return list(_passages_of(markdown, lines))


def _passages_of(markdown: str, lines: Collection[int] | None) -> Iterator[Passage]:
    table = ""
    for block in drawn_blocks(markdown, most_cells=_CELLS_READ, lines=lines):
        for part in block.parts:
            match part.kind:
                case PartKind.RULE:
                    pass
                case PartKind.HEADER | PartKind.ROW:
                    row = _row(part, table)
                    table = row.text if part.kind is PartKind.HEADER else table
                    yield row
                case PartKind.CODE | PartKind.WRITTEN:
                    yield from lines_as_passages(f"{part.info}\n{part.text}")
                case _:
                    yield from _prose(part)


def lines_as_passages(text: str) -> list[Passage]:
    return [Passage(kind=PassageKind.CODE, text=line) for line in text.split("\n") if line.strip()]


def _row(part: Part, table: str) -> Passage:
    cells = tuple(" ".join(text_of(cell).split()) for cell in part.cells)
    return Passage(
        kind=PassageKind.ROW if part.kind is PartKind.ROW else PassageKind.HEADER,
        text=CELLS_BETWEEN.join(cells),
        words=CELLS_BETWEEN.join(map(_words, part.cells)),
        cells=cells,
        table=table if part.kind is PartKind.ROW else "",
    )


def _prose(part: Part) -> Iterator[Passage]:
    shown = f"{part.number} {part.text}".strip()
    words = f"{part.number} {_words(part.runs)}".strip()
    lines = shown.split("\n")
    if len(lines) <= _PARAGRAPH_LINES:
        if shown:
            yield Passage(kind=_KINDS[part.kind], text=shown, words=words)
        return
    for line in lines:
        if line.strip():
            yield Passage(kind=_KINDS[part.kind], text=line, words=line)


def _words(runs: Runs) -> str:
    """Return the drawn text without the marks that the source does not have."""
    return "".join(" " if run.is_added else marked(run) for run in runs)

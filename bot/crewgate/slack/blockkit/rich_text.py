"""Markdown as rich text: for modals and Home, which have no markdown block.

Rich text's leaves are plain: nothing in them mentions, links or formats by itself. Only links need
care: their address is shown beside their label.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from crewgate.slack.blockkit.blocks import Block, present
from crewgate.slack.blockkit.parts import Part, PartKind, parts_of, text_of
from crewgate.slack.blockkit.text import beginning, clean, place_to_break, utf16_length

#: The most characters of one block: a section's limit, as Slack documents none for rich text.
RICH_TEXT_LIMIT: Final = 3_000
_MOST: Final = 500
"""The most elements of one block, and texts of one element; Slack refuses more than 1,000."""
_WORTHWHILE: Final = 400
"""The least room in a block, in characters, that is used for the beginning of a longer text."""
_DEEPEST: Final = 5
_ON_A_PHONE: Final = 40
"""Characters of code in one line of a modal, where a screen is 390 px wide."""
_TABLE_LIMIT: Final = 9_000
"""The longest table, in characters, that is laid out; a longer table stays as written."""


def rich_text(markdown: str) -> list[Block]:
    whole = clean(markdown)
    return in_blocks(_Writer().write(parts_of(whole)))


def in_blocks(elements: list[Block]) -> list[Block]:
    """Return the elements in as few blocks as possible, long elements split."""
    made: list[Block] = []
    blocks: list[Block] = []
    size = 0
    for element in _split(elements):
        length = _size(element)
        if blocks and (size + length > RICH_TEXT_LIMIT or len(blocks) == _MOST):
            made.append(_block(blocks))
            blocks, size = [], 0
        blocks.append(element)
        size += length
    return [*made, _block(blocks)] if blocks else made


def preformatted(text: str) -> list[Block]:
    return [_block([piece]) for piece in _split([code_block(clean(text))])] if text else []


def quotation(text: str, limit: int | None = None) -> list[Block]:
    """Return words as a quotation, or the beginning of words longer than `limit`."""
    written = clean(text.strip()) if limit is None else beginning(text, limit)
    return [_block([piece]) for piece in _split([quote(written)])] if written else []


def quote(text: str) -> Block:
    return {"type": "rich_text_quote", "elements": [leaf(text)]}


def leaf(text: str, **style: bool) -> Block:
    made: Block = {"type": "text", "text": text}
    return made | {"style": style} if style else made


def emoji(name: str) -> Block:
    return {"type": "emoji", "name": name}


def paragraph(*leaves: Block) -> Block:
    return _block([text_section(leaves)])


def _block(found: list[Block]) -> Block:
    return {"type": "rich_text", "elements": found}


def text_section(leaves: Iterable[Block]) -> Block:
    return {"type": "rich_text_section", "elements": list(leaves)}


def code_block(text: str) -> Block:
    return {"type": "rich_text_preformatted", "elements": [leaf(text)]}


def _size(element: Block) -> int:
    if element["type"] == "rich_text_list":
        return sum(map(_size, element["elements"]))
    return sum(utf16_length(one["text"]) for one in element["elements"])


def _split(found: list[Block]) -> Iterator[Block]:
    for element in found:
        if _size(element) <= RICH_TEXT_LIMIT and len(element["elements"]) <= _MOST:
            yield element
            continue
        if element["type"] == "rich_text_list":
            for item in element["elements"]:
                for piece in _split([item]):
                    yield element | {"elements": [piece]}
            continue
        yield from _split_leaves(element)


def _split_leaves(element: Block) -> Iterator[Block]:
    room = RICH_TEXT_LIMIT - 1
    held: list[Block] = []
    for one in element["elements"]:
        text = one["text"]
        while text:
            # A lone line end fits even where no room is left: no block may begin with a line end.
            fits = utf16_length(text) <= max(room, text == "\n") and len(held) < _MOST
            if held and not fits and (room < _WORTHWHILE or len(held) == _MOST):
                yield element | {"elements": held}
                held, room = [], RICH_TEXT_LIMIT - 1
                continue
            # `room` is in UTF-16 units, of which a character takes two at most.
            most = room if text.isascii() else room // 2
            at = len(text) if fits else text.rfind("\n", most // 2, most) + 1
            at = at or place_to_break(text, most // 2, most)
            held.append(one | {"text": text[:at]})
            text = text[at:]
            room = room - utf16_length(held[-1]["text"]) if fits else 0
    yield element | {"elements": held}


@dataclass(kw_only=True)
class _Writer:
    """Writes the parts of a text as rich text elements."""

    made: list[Block] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)

    def write(self, parts: Iterable[Part]) -> list[Block]:
        for part in parts:
            if self.table and part.kind is not PartKind.ROW:
                self._end_table()
            self._write(part)
        self._end_table()
        return self.made

    def _write(self, part: Part) -> None:
        match part.kind:
            case PartKind.HEADER | PartKind.ROW:
                self.table.append([text_of(cell).replace("\n", " ") for cell in part.cells])
            case PartKind.CODE:
                if part.info:
                    self.made.append(text_section([leaf(part.info, italic=True)]))
                self.made.append(code_block(part.text or " "))
            case PartKind.WRITTEN:
                self.made.append(code_block(part.text))
            case PartKind.RULE:
                self.made.append(text_section([leaf("———\n")]))
            case PartKind.HEADING | PartKind.PARAGRAPH | PartKind.ITEM:
                self._text(part)
            case _:
                assert_never(part.kind)

    def _text(self, part: Part) -> None:
        bold = ("bold",) if part.kind is PartKind.HEADING else ()
        leaves = [leaf(run.text, **dict.fromkeys((*bold, *run.styles), True)) for run in part.runs]
        last: Block = self.made[-1] if self.made else {"type": ""}
        if part.kind is PartKind.ITEM:
            self.made.append(_item(part, leaves))
        elif not leaves:
            return
        elif part.lists and last["type"] == "rich_text_list":
            last["elements"][-1]["elements"] += [leaf("\n"), *leaves]
        elif part.is_quoted:
            self.made.append({"type": "rich_text_quote", "elements": leaves})
        else:
            before = leaf("\n") if last["type"] == "rich_text_section" else None
            self.made.append(text_section(present(before, *leaves, leaf("\n"))))

    def _end_table(self) -> None:
        self.made += _table(self.table) if self.table else []
        self.table = []


def _item(part: Part, leaves: list[Block]) -> Block:
    """Return a list of one item, with its number as written.

    Slack numbers the items of an inner list with letters, so there the number is text.
    """
    indent = min(part.lists - 1, _DEEPEST)
    number = part.number[:-1]
    is_ordered = not indent and number.isdecimal() and number == str(int(number) or "")
    marks = [leaf(f"{part.number} ")] if number and not is_ordered else []
    made: dict[str, Any] = {
        "type": "rich_text_list",
        "style": "ordered" if is_ordered else "bullet",
        "indent": indent,
        "border": 0,
        "elements": [text_section([*marks, *leaves] or [leaf(" ")])],
    }
    if is_ordered and number != "1":
        made["offset"] = int(number) - 1
    return made


def _table(rows: list[list[str]]) -> list[Block]:
    columns = range(max(map(len, rows)))
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in columns]
    names, *values = rows
    by_row = sum(map(len, names)) * len(values) + sum(len(cell) for row in values for cell in row)
    if sum(widths) + 3 * (len(widths) - 1) > _ON_A_PHONE and by_row <= _TABLE_LIMIT and values:
        header = text_section([leaf("\n"), leaf(f"{' | '.join(names)}\n", bold=True)])
        return [header, *(text_section(_row(names, row)) for row in values)]
    if len(rows) * (sum(widths) + 3 * len(widths)) > _TABLE_LIMIT:
        widths = [1] * len(widths)
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
    dashes = "-+-".join("-" * width for width in widths)
    return [code_block("\n".join([lines[0], dashes, *lines[1:]]))]


def _row(names: list[str], cells: list[str]) -> Iterator[Block]:
    yield leaf("\n")
    for name, cell in zip(names, cells, strict=False):
        if name.strip():
            yield leaf(f"{name}: ", bold=True)
        yield leaf(f"{cell}\n")

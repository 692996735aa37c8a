"""Markdown as rich text: for modals and Home, which have no markdown block.

Rich text's leaves are plain: nothing in them mentions, links or formats by itself. Only links need
care: their address is shown beside their label.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from markdown_it.token import Token

from crewgate.slack.blockkit.blocks import Block, present
from crewgate.slack.blockkit.markdown import few_cells, runs_of, tokens_of, with_box
from crewgate.slack.blockkit.text import clean, place_to_break, utf16_length

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
    return in_blocks(_Writer().write(tokens_of(whole, tables=few_cells(whole))))


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


def quotation(text: str) -> list[Block]:
    written = clean(text.strip())
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
    """Walks over markdown-it's tokens once and writes rich text elements."""

    made: list[Block] = field(default_factory=list)
    lists: list[tuple[str, int]] = field(default_factory=list)
    """The open lists: style, and the number of the next item."""
    quotes: int = 0
    heading: bool = False
    row: list[str] = field(default_factory=list)
    table: list[list[str]] | None = None
    item: bool = False
    """True before an item's first text."""

    def write(self, tokens: list[Token]) -> list[Block]:
        for token in tokens:
            self._take(token)
        return self.made

    def _take(self, token: Token) -> None:  # noqa: C901, PLR0912  # one row a case
        match token.type:
            case "bullet_list_open":
                self.lists.append(("bullet", 0))
            case "ordered_list_open":
                self.lists.append(("ordered", max(0, int(token.attrs.get("start", 1)) - 1)))
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
            case "list_item_open":
                self.item = True
            case "list_item_close":
                if self.item:
                    self._text([leaf(" ")])
                style, number = self.lists[-1]
                self.lists[-1] = (style, number + 1)
            case "blockquote_open":
                self.quotes += 1
            case "blockquote_close":
                self.quotes -= 1
            case "heading_open" | "heading_close":
                self.heading = token.nesting > 0
            case "table_open":
                self.table = []
            case "tr_open":
                self.row = []
            case "tr_close":
                assert self.table is not None, "rows stand in tables"
                self.table.append(self.row)
            case "table_close":
                self.made += _table(self.table or [])
                self.table = None
            case "inline":
                runs = runs_of(token.children or [], bold=self.heading)
                leaves = [leaf(run.text, **dict.fromkeys(run.styles, True)) for run in runs]
                if self.table is not None:
                    self.row.append("".join(one["text"] for one in leaves).replace("\n", " "))
                elif leaves:
                    self._text(leaves)
            case "fence" | "code_block":
                self.item = False
                if token.info.strip():
                    self.made.append(text_section([leaf(token.info.strip(), italic=True)]))
                self.made.append(code_block(token.content.rstrip("\n") or " "))
            case "hr":
                self.made.append(text_section([leaf("———\n")]))
            case _:
                pass

    def _text(self, leaves: list[Block]) -> None:
        if self.lists:
            self._item(leaves)
        elif self.quotes:
            self.made.append({"type": "rich_text_quote", "elements": leaves})
        else:
            follows = bool(self.made) and self.made[-1]["type"] == "rich_text_section"
            before = leaf("\n") if follows else None
            self.made.append(text_section(present(before, *leaves, leaf("\n"))))

    def _item(self, leaves: list[Block]) -> None:
        style, number = self.lists[-1]
        indent = min(len(self.lists) - 1, _DEEPEST)
        last = self.made[-1] if self.made else None
        if not self.item and last is not None and last["type"] == "rich_text_list":
            last["elements"][-1]["elements"] += [leaf("\n"), *leaves]
            return
        if self.item:
            leaves[0]["text"] = with_box(leaves[0]["text"])
        self.item = False
        made: dict[str, Any] = {
            "type": "rich_text_list",
            "style": style,
            "indent": indent,
            "border": 0,
            "elements": [text_section(leaves)],
        }
        if style == "ordered" and number:
            made["offset"] = number
        self.made.append(made)


def _table(rows: list[list[str]]) -> list[Block]:
    columns = range(max(map(len, rows)))
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in columns]
    names, *values = rows
    by_row = sum(map(len, names)) * len(values) + sum(len(cell) for row in values for cell in row)
    if sum(widths) + 3 * (len(widths) - 1) > _ON_A_PHONE and by_row <= _TABLE_LIMIT and values:
        return [text_section(_row(names, row)) for row in values]
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

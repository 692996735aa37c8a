"""The passages of an output as a reader sees them; texts are split elsewhere."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PassageKind(StrEnum):
    """The role of a passage in its text."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    """An item of a list, without its mark or number."""
    ROW = "row"
    HEADER = "header"
    """The first row of a table, with the names of its columns."""
    CODE = "code"
    """A line of code, or of other text that is shown as written."""
    VALUE = "value"
    """One value of a JSON text."""


_ROWS: Final = frozenset({PassageKind.ROW, PassageKind.HEADER})
_APART: Final = frozenset({*_ROWS, PassageKind.CODE, PassageKind.VALUE})


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, an item, a row, …: its words as shown, without formatting."""

    kind: PassageKind
    text: str
    cells: tuple[str, ...] = ()
    """The cells of a row; its text is all of them."""
    table: str = ""
    """The header of a row's table, which tells two tables apart."""
    key: str = ""
    """The path of a value in its JSON text."""

    @property
    def is_row(self) -> bool:
        """True for a table's rows and its header."""
        return self.kind in _ROWS

    @property
    def unit(self) -> PassageKind:
        """The kind for comparison: passages of one unit can replace each other, as prose can."""
        return self.kind if self.kind in _APART else PassageKind.PARAGRAPH

    @property
    def seen(self) -> tuple[str, str]:
        """A key that is equal for passages that differ in formatting alone."""
        text = self.text if self.kind is PassageKind.CODE else " ".join(self.text.split())
        return self.unit, text.rstrip()

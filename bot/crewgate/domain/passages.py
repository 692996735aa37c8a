"""What a reader sees of an output, passage by passage. How a text comes apart is not known here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PassageKind(StrEnum):
    """What a passage is in its text."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    """An item of a list, without its mark or number."""
    ROW = "row"
    CODE = "code"
    """A line of code, or of whatever is shown as it is written."""
    VALUE = "value"
    """One value of a JSON text."""


_APART: Final = frozenset({PassageKind.ROW, PassageKind.CODE, PassageKind.VALUE})


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, an item, a row, …: its words as they are shown, without what formats them."""

    kind: PassageKind
    text: str
    cells: tuple[str, ...] = ()
    """Those of a row; its text is all of them."""
    table: str = ""
    """The header of a row's table, which tells two tables apart; a header has none."""
    key: str = ""
    """Where a value is in its JSON text."""

    @property
    def unit(self) -> PassageKind:
        """What it counts as: passages of one unit can stand for each other, as all prose can."""
        return self.kind if self.kind in _APART else PassageKind.PARAGRAPH

    @property
    def seen(self) -> tuple[str, str]:
        """What two passages have in common that look the same but for their formatting."""
        text = self.text if self.kind is PassageKind.CODE else " ".join(self.text.split())
        return self.unit, text.rstrip()

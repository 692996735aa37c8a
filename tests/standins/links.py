"""The links of a message whose text hides their address."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from crewgate.demo.workspace.blocks import LINK, Piece

_MARKDOWN_LINK: Final = re.compile(r"\[([^\]\n]*)\]\(([^)\s]+)[^)\n]*\)")


def disguised_links(found: Iterable[Piece]) -> tuple[str, ...]:
    """Return the addresses of links whose label differs from the address."""
    return tuple(
        url
        for piece in found
        if piece.live
        for url, label in _links(piece)
        if label and url not in {label, f"mailto:{label}"}
    )


def _links(piece: Piece) -> Iterator[tuple[str, str]]:
    for match in LINK.finditer(piece.text):
        yield match.group(1), match.group(2) or ""
    if piece.markdown:
        for match in _MARKDOWN_LINK.finditer(piece.text):
            yield match.group(2), match.group(1)

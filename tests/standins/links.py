"""A message's effects on people: its mentions, and links that hide their address."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from crewgate.demo.workspace.blocks import LINK, MENTION, Piece

_MARKDOWN_LINK: Final = re.compile(r"\[([^\]\n]*)\]\(([^)\s]+)[^)\n]*\)")


def mentions(found: Iterable[Piece]) -> tuple[str, ...]:
    """Return a message's mentions, as written: `@U1`, `!channel`, `!subteam^S1`, `#C1`."""
    return tuple(
        match.group(1)
        for piece in found
        if piece.live
        for match in MENTION.finditer(piece.text)
        if not match.group(1).startswith("!date^")
    )


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

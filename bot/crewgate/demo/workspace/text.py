"""The texts, buttons, mentions and links of blocks."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_MENTION = re.compile(r"<([@!#][^<>|\s]+)(?:\|[^<>]*)?>")
_LINK = re.compile(r"<((?:https?|mailto|tel):[^<>|\s]+)(?:\|([^<>]*))?>")
_MARKDOWN_LINK = re.compile(r"\[([^\]\n]*)\]\(([^)\s]+)[^)\n]*\)")
_CONTROL = re.compile(f"{_MENTION.pattern}|{_LINK.pattern}|<!date\\^[^<>]*>")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTER = {"amp": "&", "lt": "<", "gt": ">"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One text in a block. Only `live` ones can mention, link or format; plain text cannot."""

    text: str
    live: bool
    markdown: bool = False


def pieces(value: object) -> Iterator[Piece]:
    """Every text people see in these blocks, in reading order."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from pieces(item)
    elif isinstance(value, dict):
        piece = _piece(value)
        if piece is not None:
            yield piece
        else:
            for item in value.values():
                yield from pieces(item)


def _piece(value: Json) -> Piece | None:  # noqa: PLR0911 - one a kind
    """The text of a text object, a markdown block or a leaf of rich text."""
    match value:
        case {"type": "mrkdwn", "text": str(text)}:
            return Piece(text, live=True)
        case {"type": "markdown", "text": str(text)}:
            return Piece(text, live=True, markdown=True)
        case {"type": "plain_text" | "text", "text": str(text)}:
            return Piece(text, live=False)
        case {"type": "user", "user_id": str(user)}:
            return Piece(f"<@{user}>", live=True)
        case {"type": "usergroup", "usergroup_id": str(group)}:
            return Piece(f"<!subteam^{group}>", live=True)
        case {"type": "broadcast", "range": str(reach)}:
            return Piece(f"<!{reach}>", live=True)
        case {"type": "link", "url": str(url)}:
            return Piece(f"<{url}|{value.get('text') or url}>", live=True)
        case _:
            return None


def mentions(found: Iterable[Piece]) -> tuple[str, ...]:
    """Return a message's mentions, as written: `@U1`, `!channel`, `!subteam^S1`, `#C1`."""
    return tuple(
        match.group(1)
        for piece in found
        if piece.live
        for match in _MENTION.finditer(piece.text)
        if not match.group(1).startswith("!date^")
    )


def disguised_links(found: Iterable[Piece]) -> tuple[str, ...]:
    """The addresses of links whose label says something else than the address."""
    return tuple(
        url
        for piece in found
        if piece.live
        for url, label in _links(piece)
        if label and url not in {label, f"mailto:{label}"}
    )


def _links(piece: Piece) -> Iterator[tuple[str, str]]:
    for match in _LINK.finditer(piece.text):
        yield match.group(1), match.group(2) or ""
    if piece.markdown:
        for match in _MARKDOWN_LINK.finditer(piece.text):
            yield match.group(2), match.group(1)


def readable(text: str) -> str:
    """The text with `&amp;`, `&lt;` and `&gt;` as the characters people see."""
    return _ENTITY.sub(lambda match: _CHARACTER[match.group(1)], text)


def elements(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with the block it is in."""
    for block in blocks:
        inside = [block.get("accessory"), block.get("element"), *block.get("elements", ())]
        for element in inside:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def label(element: Json) -> str:
    text = element.get("text")
    return str(text["text"]) if isinstance(text, dict) else ""


def escaped(blocks: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Blocks as Slack sends them back.

    Plain text is escaped again each time, so that it grows when it is posted once more; in
    mrkdwn only what is not yet an entity, a mention or a link is escaped.
    """
    match blocks:
        case list() | tuple():
            return [escaped(item) for item in blocks]
        case {"type": "plain_text", "text": str(text)}:
            return {**blocks, "text": _escape(text.replace("&", "&amp;"))}
        case {"type": "mrkdwn", "text": str(text)}:
            return {**blocks, "text": escaped_text(text)}
        case dict():
            return {key: escaped(item) for key, item in blocks.items()}
        case _:
            return blocks


def escaped_text(text: str) -> str:
    """Mrkdwn as Slack sends it back."""
    parts: list[str] = []
    end = 0
    for match in _CONTROL.finditer(text):
        parts += [_escape(text[end : match.start()]), match.group()]
        end = match.end()
    return "".join([*parts, _escape(text[end:])])


def _escape(text: str) -> str:
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")

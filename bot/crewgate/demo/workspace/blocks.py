"""Blocks: their texts, their elements, and their form on the way back to the bot."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

MENTION = re.compile(r"<([@!#][^<>|\s]+)(?:\|[^<>]*)?>")
LINK = re.compile(r"<((?:https?|mailto|tel):[^<>|\s]+)(?:\|([^<>]*))?>")
_CONTROL = re.compile(f"{MENTION.pattern}|{LINK.pattern}|<!date\\^[^<>]*>")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTER = {"amp": "&", "lt": "<", "gt": ">"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A text in a block. Only `live` texts can mention, link or format."""

    text: str
    live: bool
    markdown: bool = False


def pieces(value: object) -> Iterator[Piece]:
    """Yield each text that people see in these blocks, in reading order."""
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


def readable(text: str) -> str:
    return _ENTITY.sub(lambda match: _CHARACTER[match.group(1)], text)


def elements(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    for block in blocks:
        inside = [block.get("accessory"), block.get("element"), *block.get("elements", ())]
        for element in inside:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def label(element: Json) -> str:
    text = element.get("text")
    return str(text["text"]) if isinstance(text, dict) else ""


def escaped(blocks: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Return blocks as Slack sends them back.

    Plain text is escaped once more each time, so it grows with each repost; mrkdwn is escaped
    except for entities, mentions and links.
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
    parts: list[str] = []
    end = 0
    for match in _CONTROL.finditer(text):
        parts += [_escape(text[end : match.start()]), match.group()]
        end = match.end()
    return "".join([*parts, _escape(text[end:])])


def _escape(text: str) -> str:
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")

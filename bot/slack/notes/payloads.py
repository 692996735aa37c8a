"""What Slack sends while people review, raw to typed: menus, views, messages in threads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.verdict import Person


@dataclass(frozen=True, slots=True)
class Written:
    """A person wrote in a thread."""

    channel: str
    thread_ts: str
    ts: str
    by: Person
    text: str


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed what they had written."""

    channel: str
    ts: str
    text: str
    edited_ts: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message is gone."""

    channel: str
    ts: str


#: A reply that is shown in the channel too, or that brings a file, is written by a person as well.
_BY_PEOPLE: Final = frozenset({None, "thread_broadcast", "file_share"})


def parse_message(event: Mapping[str, Any]) -> Written | Edited | Deleted | None:
    """A `message` event; None unless a person wrote in, changed or deleted from a thread."""
    channel, subtype = str(event.get("channel", "")), event.get("subtype")
    if subtype == "message_deleted":
        return Deleted(channel, str(event.get("deleted_ts", "")))
    if subtype == "message_changed":
        message = event.get("message") or {}
        edited = message.get("edited") or {}
        if not edited.get("ts") or message.get("bot_id"):
            return None  # Slack's own doing: an unfurled link, a reply counted
        return Edited(channel, str(message.get("ts", "")), readable(message), str(edited["ts"]))
    return _written(event, channel) if subtype in _BY_PEOPLE else None


def _written(event: Mapping[str, Any], channel: str) -> Written | None:
    """A reply by a person; the first message of a thread is none."""
    thread_ts, user, ts = event.get("thread_ts"), event.get("user"), event.get("ts")
    text = readable(event)
    if event.get("bot_id") or not user or thread_ts in {None, "", ts} or not text.strip():
        return None
    return Written(channel, str(thread_ts), str(ts), Person(str(user), str(user)), text)


_LINK: Final = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_ENTITY: Final = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def readable(message: Mapping[str, Any]) -> str:
    """What the person typed: without Slack's escapes and marks."""
    text = _LINK.sub(_typed, str(message.get("text") or ""))
    return re.sub("&(?:lt|gt|amp);", lambda match: _ENTITY[match[0]], text)


def _typed(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith(("@", "!")):
        name = label or target[1:]
        return name if name.startswith("@") else f"@{name}"
    if label and target not in {label, f"mailto:{label}", f"http://{label}"}:
        return f"{label} ({target})"
    return label or target

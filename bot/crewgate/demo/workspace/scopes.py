"""The scope each method needs, from its page at https://docs.slack.dev/reference/methods."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final, TypeAlias

_WRITE: Final = "chat:write"
_READ_HISTORY: Final = ("channels:history", "groups:history", "im:history")
_READ_CHANNELS: Final = ("channels:read", "groups:read", "im:read")

_ByKind: TypeAlias = tuple[str, str, str]
"""For `conversations.*` Slack asks for the one that fits the kind of channel."""


class ChannelKind(IntEnum):
    """The kinds of channels that have scopes of their own."""

    PUBLIC = 0
    PRIVATE = 1
    DIRECT = 2


_NEEDED: Final[dict[str, str | _ByKind]] = {
    "chat.postMessage": _WRITE,
    "chat.update": _WRITE,
    "chat.delete": _WRITE,
    "chat.postEphemeral": _WRITE,
    "conversations.history": _READ_HISTORY,
    "conversations.replies": _READ_HISTORY,
    "conversations.info": _READ_CHANNELS,
    "conversations.list": _READ_CHANNELS,
    "conversations.members": _READ_CHANNELS,
    "conversations.open": "im:write",
    "files.completeUploadExternal": "files:write",
    "files.getUploadURLExternal": "files:write",
    "files.info": "files:read",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "users.conversations": _READ_CHANNELS,
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
}


#: The scope of what is no method.
_COMMANDS: Final = "commands"


def all_scopes() -> frozenset[str]:
    """Every scope that a bot may need here."""
    named = (one if isinstance(one, tuple) else (one,) for one in _NEEDED.values())
    return frozenset(scope for scopes in named for scope in scopes) | {_COMMANDS}


def needed_scopes(
    method: str, *, kinds: Iterable[ChannelKind] = (ChannelKind.PUBLIC,)
) -> tuple[str, ...]:
    """The scopes a method needs, for these kinds of channels; none: any token will do."""
    match _NEEDED.get(method):
        case None:
            return ()
        case str(scope):
            return (scope,)
        case by_kind:
            return tuple(by_kind[kind] for kind in kinds)

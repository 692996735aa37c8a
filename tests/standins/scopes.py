"""The permissions that Slack asks of a bot token for each method."""

from collections.abc import Iterable
from typing import Final

from crewgate.demo.workspace.world import ChannelKind

#: `conversations.*` need the scope for the kind of channel.
_OF_KIND: Final = {
    ChannelKind.PUBLIC: "channels",
    ChannelKind.PRIVATE: "groups",
    ChannelKind.DIRECT: "im",
}
_NEEDED: Final[dict[str, str]] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.history": "{}:history",
    "conversations.replies": "{}:history",
    "conversations.info": "{}:read",
    "conversations.members": "{}:read",
    "conversations.open": "im:write",
    "files.completeUploadExternal": "files:write",
    "files.delete": "files:write",
    "files.getUploadURLExternal": "files:write",
    "reactions.add": "reactions:write",
    "users.conversations": "{}:read",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
}
#: The scope of slash commands, which are no method.
_COMMANDS: Final = "commands"


def all_scopes() -> frozenset[str]:
    needed = (needed_scopes(method, kinds=ChannelKind) for method in _NEEDED)
    return frozenset(scope for scopes in needed for scope in scopes) | {_COMMANDS}


def needed_scopes(method: str, *, kinds: Iterable[ChannelKind]) -> list[str]:
    """Return the scopes of a method for these kinds of channels; empty: any token will do."""
    scope = _NEEDED.get(method)
    return [scope.format(_OF_KIND[kind]) for kind in kinds] if scope is not None else []

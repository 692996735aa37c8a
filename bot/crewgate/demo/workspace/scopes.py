"""The scope each method needs, from its page at https://docs.slack.dev/reference/methods."""

from collections.abc import Iterable
from typing import Final

from crewgate.demo.workspace.records import ChannelKind

#: For `conversations.*` Slack asks for the one that fits the kind of channel.
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
#: The scope of what is no method.
_COMMANDS: Final = "commands"


def all_scopes() -> frozenset[str]:
    """Every scope that a bot may need here."""
    needed = (needed_scopes(method, kinds=ChannelKind) for method in _NEEDED)
    return frozenset(scope for scopes in needed for scope in scopes) | {_COMMANDS}


def needed_scopes(method: str, *, kinds: Iterable[ChannelKind]) -> list[str]:
    """Return the scopes a method needs, for these kinds of channels; none: any token will do."""
    scope = _NEEDED.get(method)
    return [scope.format(_OF_KIND[kind]) for kind in kinds] if scope is not None else []

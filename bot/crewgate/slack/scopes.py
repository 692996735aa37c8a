"""The scopes that the manifests ask for: each with what would not work without it."""

from collections.abc import Mapping
from typing import Final

BOT_SCOPES: Final[Mapping[str, str]] = {
    "chat:write": "cards and private answers",
    "commands": "/crew",
    "channels:history": "notes in threads, finding a posted card again",
    "groups:history": "notes in the threads of private channels",
    "channels:read": "who is in a channel",
    "groups:read": "who is in a private channel",
    "im:write": "direct messages to reviewers",
    "im:history": "finding a posted direct message again",
    "files:write": "outputs too long for a message, and numbers as CSV",
    "reactions:write": "acknowledging a note",
    "users:read": "guests, names of those who write notes",
    "users:read.email": "reviewers named by e-mail",
    "usergroups:read": "reviewers named by user group",
}

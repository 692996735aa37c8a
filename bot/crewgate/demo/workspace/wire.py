"""Slack's JSON of messages, views, people and channels."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from crewgate.demo.workspace.blocks import Json, escaped, escaped_text
from crewgate.demo.workspace.world import (
    APP_ID,
    BOT_ID,
    BOT_USER_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    File,
    Message,
    User,
    View,
    World,
)


def message_json(world: World, message: Message, *, metadata: bool = False) -> Json:
    """Return a message as Slack sends it back: escaped, and with metadata only on request."""
    wire: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": escaped_text(message.text),
        "team": TEAM_ID,
    }
    if message.bot:
        wire |= {"bot_id": BOT_ID, "app_id": APP_ID}
    if message.blocks:
        wire["blocks"] = escaped(message.blocks)
    if message.edited:
        wire["edited"] = {"user": message.user, "ts": message.edited}
    if message.files:
        wire |= {"files": [file_json(world, file) for file in message.files], "upload": False}
    if message.reactions:
        wire["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)}
            for name, users in message.reactions.items()
        ]
    if message.deleted:
        wire |= {"subtype": "tombstone", "text": "This message was deleted."}
    elif message.broadcast:
        wire["subtype"] = "thread_broadcast"
    if metadata and message.metadata is not None:
        wire["metadata"] = message.metadata
    return wire | _thread_fields(world, message)


def _thread_fields(world: World, message: Message) -> Json:
    if message.thread_ts is not None:
        return {"thread_ts": message.thread_ts}
    if message.only_for is not None:
        return {}
    replies = world.channels[message.channel].thread(message.ts)[1:]
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
    }


def file_json(world: World, file: File) -> Json:
    link = f"{world.url}/files/{file.id}/{file.name}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "size": file.size,
        "user": BOT_USER_ID,
        "mimetype": "text/plain",
        "url_private": link,
        "url_private_download": link,
        "permalink": f"https://{TEAM_DOMAIN}.slack.com/files/{BOT_USER_ID}/{file.id}/{file.name}",
    }


def view_json(view: View, values: Json | None = None) -> Json:
    """Return a view as Slack sends it back, with the values that people have entered."""
    defaults = {"private_metadata": "", "callback_id": "", "external_id": ""}
    switches = {"clear_on_close": False, "notify_on_close": False, "close": None, "submit": None}
    return {
        **defaults,
        **switches,
        **escaped(view.content),
        # `private_metadata` is the bot's own text, and comes back without escapes.
        "private_metadata": view.content.get("private_metadata", ""),
        "id": view.id,
        "team_id": TEAM_ID,
        "app_id": APP_ID,
        "app_installed_team_id": TEAM_ID,
        "bot_id": BOT_ID,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "state": {"values": values or {}},
    }


def user_json(user: User) -> Json:
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.name.title(),
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_restricted": user.is_guest,
        "is_ultra_restricted": False,
        "is_stranger": False,
        "tz": user.tz,
        "profile": {"email": user.email, "real_name": user.name.title(), "display_name": user.name},
    }


def channel_json(channel: Channel) -> Json:
    if channel.im_with is not None:
        return {"id": channel.id, "is_im": True, "user": channel.im_with, "is_archived": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_im": False,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_member": channel.bot_is_member,
        "num_members": len(channel.members) + channel.bot_is_member,
    }


class Refused(Exception):
    """Slack refuses the call: `code` is its error, `more` the other fields of the answer."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


class Args:
    """A call's arguments, from JSON or a form's strings."""

    def __init__(self, raw: Json) -> None:
        self._raw = raw

    def __contains__(self, name: str) -> bool:
        return self._raw.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self._raw.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            message = f"[ERROR] missing required field: {name}"
            raise Refused("invalid_arguments", response_metadata={"messages": [message]})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._raw.get(name)
        if value is None or value == "":
            return default
        return str(value).lower() in {"true", "1", "t"}

    def number(self, name: str, default: int) -> int:
        try:
            return int(self._raw.get(name) or default)
        except (TypeError, ValueError):
            raise Refused("invalid_arguments") from None

    def json(self, name: str, broken: str) -> Any:  # noqa: ANN401 - JSON
        """Return a list, an object or None. Raises Refused as `broken` for text that is no JSON."""
        value = self._raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else None
        except ValueError:
            raise Refused(broken) from None


Method: TypeAlias = Callable[[World, Args], Json]

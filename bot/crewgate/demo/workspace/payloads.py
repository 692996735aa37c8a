"""The payloads that the bot receives, in the shapes of Slack's documentation.

https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/apis/events-api
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from crewgate.demo.workspace.blocks import Json, escaped
from crewgate.demo.workspace.forms import state_of
from crewgate.demo.workspace.wire import message_json, view_json
from crewgate.demo.workspace.world import (
    APP_ID,
    BOT_USER_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    ChannelKind,
    Message,
    ResponseUrl,
    View,
    World,
)

_TOKEN: Final = "deprecated-verification-token"  # noqa: S105 - Slack still sends one; unused
_TYPES: Final = {
    ChannelKind.PUBLIC: "channel",
    ChannelKind.PRIVATE: "group",
    ChannelKind.DIRECT: "im",
}
_STATIC: Final = ("value", "style", "url", "confirm", "text", "placeholder")


class Payloads:
    """Builds payloads from the state of the workspace."""

    def __init__(self, world: World) -> None:
        self._world = world

    def action(
        self,
        user: str,
        surface: Message | View,
        used: tuple[Json, Json],
        chosen: Json,
        entered: Mapping[str, str | None],
    ) -> Json:
        """`block_actions`: somebody used an element of a message, a modal or Home.

        `used` is the block and the element, `chosen` the fields of the element's kind, `entered`
        the values of the form around it.
        """
        block, element = used
        action: Json = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            **{key: escaped(element[key]) for key in _STATIC if key in element},
            **chosen,
            "action_ts": self._world.new_ts(),
        }
        if isinstance(surface, Message):
            where = self._message(user, surface, entered)
        else:
            values = state_of(surface.blocks, entered)
            container = {"type": "view", "view_id": surface.id}
            where = {"container": container, "view": view_json(surface, values)}
        return self._interaction("block_actions", user) | where | {"actions": [action]}

    def submission(self, view: View, values: Json) -> Json:
        wire = view_json(view, values)
        interaction = self._interaction("view_submission", view.user)
        return interaction | {"view": wire, "response_urls": []}

    def command(
        self, user: str, channel: Channel, command: str, text: str
    ) -> tuple[Json, ResponseUrl]:
        """Return a slash command, and the address for answers to it."""
        response_url = ResponseUrl(user=user, channel=channel.id, issued_at=self._world.now())
        return {
            "token": _TOKEN,
            "team_id": TEAM_ID,
            "team_domain": TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": _channel_name(channel),
            "user_id": user,
            "user_name": self._world.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._issue(response_url),
            "trigger_id": self._world.new_trigger(user),
        }, response_url

    def with_ids(self, text: str) -> str:
        """Return a command's text with people as ids, `@Ben` as `<@U0BEN|Ben>`.

        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        people = {user.name.lower(): user for user in self._world.users.values()}

        def with_id(typed: re.Match[str]) -> str:
            user = people.get(typed[1].lower())
            return typed[0] if user is None else f"<@{user.id}|{user.name}>"

        return re.sub(r"(?<!\S)@([\w.-]+)(?!\S)", with_id, text)

    def event(self, event: Json) -> Json:
        """Wrap an event for delivery under a new id."""
        bot = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True}
        return {
            "token": _TOKEN,
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": self._world.new_id("Ev"),
            "event_time": int(self._world.now()),
            "authorizations": [bot | {"is_enterprise_install": False}],
            "is_ext_shared_channel": False,
            "event_context": self._world.new_id("EC"),
        }

    def message_event(self, message: Message, /, **more: Any) -> Json:  # noqa: ANN401 - JSON
        """Return a `message` event; `more` adds a subtype's fields, or replaces the message."""
        channel = self._world.channels[message.channel]
        where = {
            "type": "message",
            "channel": message.channel,
            "channel_type": _TYPES[channel.kind],
            "event_ts": message.ts,
        }
        if more:
            return {**where, "ts": self._world.new_ts(), "hidden": True, **more}
        body = message_json(self._world, message)
        parent = channel.messages.get(message.thread_ts or "")
        about = {"parent_user_id": parent.user} if parent is not None else {}
        return {**body, **about, **where, "client_msg_id": self._world.new_id("m-")}

    def _interaction(self, kind: str, user: str) -> Json:
        person = self._world.users[user]
        names = {"username": person.name, "name": person.name}
        return {
            "type": kind,
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "user": {"id": user, **names, "team_id": person.team_id},
            "api_app_id": APP_ID,
            "token": _TOKEN,
            "trigger_id": self._world.new_trigger(user),
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _message(self, user: str, message: Message, entered: Mapping[str, str | None]) -> Json:
        channel = self._world.channels[message.channel]
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.only_for is not None,
        }
        if message.thread_ts is not None:
            container["thread_ts"] = message.thread_ts
        response_url = ResponseUrl(
            user=user, channel=message.channel, issued_at=self._world.now(), message_ts=message.ts
        )
        where = {
            "container": container,
            "channel": {"id": channel.id, "name": _channel_name(channel)},
            "state": {"values": state_of(message.blocks, entered)},
            "response_url": self._issue(response_url),
        }
        if message.only_for is None:
            where["message"] = message_json(self._world, message)
        return where

    def _issue(self, response_url: ResponseUrl) -> str:
        return f"{self._world.url}/respond/{self._world.new_response_url(response_url)}"


def _channel_name(channel: Channel) -> str:
    """Return the name, which Slack hides for private channels."""
    return "privategroup" if channel.kind is ChannelKind.PRIVATE else channel.name

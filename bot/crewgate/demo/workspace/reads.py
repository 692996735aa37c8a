"""The reading methods: `auth.test`, `conversations.*`, `users.*`, `usergroups.*`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from crewgate.demo.workspace.args import Args, Method, Refused
from crewgate.demo.workspace.chat import find_channel
from crewgate.demo.workspace.records import (
    APP_ID,
    BOT_ID,
    BOT_USER_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    Group,
    Message,
    User,
)
from crewgate.demo.workspace.text import Json
from crewgate.demo.workspace.wire import channel_json, message_json, user_json
from crewgate.demo.workspace.world import World

T = TypeVar("T")

_PAGE: Final = 100
_MAX_PAGE: Final = 999


def methods(world: World) -> dict[str, Method]:
    """These methods on this workspace."""
    reads = Reads(world)
    return {
        "api.test": lambda _: {},
        "auth.test": reads.auth_test,
        "conversations.history": reads.history,
        "conversations.info": reads.channel,
        "conversations.list": reads.channels,
        "conversations.members": reads.members,
        "conversations.open": reads.open_im,
        "conversations.replies": reads.replies,
        "usergroups.list": reads.groups,
        "usergroups.users.list": reads.group_members,
        "users.conversations": reads.joined_channels,
        "users.info": reads.user,
        "users.lookupByEmail": reads.user_by_email,
    }


class Reads:
    """Each method answers from the workspace's state."""

    def __init__(self, world: World) -> None:
        self._world = world

    def auth_test(self, _: Args) -> Json:
        """`auth.test`."""
        return {
            "url": f"https://{TEAM_DOMAIN}.slack.com/",
            "team": "Demo",
            "team_id": TEAM_ID,
            "user": self._world.users[BOT_USER_ID].name,
            "user_id": BOT_USER_ID,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "is_enterprise_install": False,
        }

    def history(self, args: Args) -> Json:
        """`conversations.history`: without replies, unless broadcast; the newest first."""
        channel = self._readable(args)
        shown = [
            message
            for message in channel.messages.values()
            if message.thread_ts is None or message.broadcast
        ]
        newest_first = sorted(shown, key=lambda message: message.ts, reverse=True)
        return self._page(args, newest_first)

    def replies(self, args: Args) -> Json:
        """`conversations.replies`: a thread, its first message first."""
        channel = self._readable(args)
        ts = args.required("ts")
        message = channel.messages.get(ts)
        if message is None:
            raise Refused("thread_not_found")
        return self._page(args, channel.thread(ts), always=ts)

    def channel(self, args: Args) -> Json:
        """`conversations.info`."""
        return {"channel": channel_json(find_channel(self._world, args.required("channel")))}

    def channels(self, args: Args) -> Json:
        """`conversations.list`, by `types`, public channels unless told otherwise."""
        return self._channels(args, lambda one: one.bot_is_member or not one.private)

    def joined_channels(self, args: Args) -> Json:
        """`users.conversations` of the bot itself, by `types`."""
        return self._channels(args, lambda one: one.bot_is_member)

    def _channels(self, args: Args, among: Callable[[Channel], bool]) -> Json:
        kinds = {kind.strip() for kind in args.text("types", "public_channel").split(",")}
        found = [
            channel_json(channel)
            for channel in self._world.channels.values()
            if _kind(channel) in kinds
            and among(channel)
            and not (channel.archived and args.flag("exclude_archived"))
        ]
        page, cursor = _cut(args, found)
        return {"channels": page, "response_metadata": {"next_cursor": cursor}}

    def members(self, args: Args) -> Json:
        """`conversations.members`, in pages, of a channel named by its id."""
        channel = find_channel(self._world, args.required("channel"))
        if channel.id != args.text("channel"):
            raise Refused("channel_not_found")
        bot = [BOT_USER_ID] if channel.bot_is_member else []
        page, cursor = _cut(args, [*sorted(channel.members), *bot])
        return {"members": page, "response_metadata": {"next_cursor": cursor}}

    def open_im(self, args: Args) -> Json:
        """`conversations.open` with one person."""
        user = args.text("users")
        if not user:
            return {"channel": channel_json(find_channel(self._world, args.required("channel")))}
        person = self._user(user)
        if person.is_bot:
            raise Refused("cannot_dm_bot")
        if person.deleted:
            raise Refused("user_disabled")
        return {"channel": channel_json(self._world.im(person.id))}

    def user(self, args: Args) -> Json:
        """`users.info`."""
        return {"user": user_json(self._user(args.required("user")))}

    def user_by_email(self, args: Args) -> Json:
        """`users.lookupByEmail`."""
        email = args.required("email").lower()
        for user in self._world.users.values():
            if user.email and user.email.lower() == email:
                return {"user": user_json(user)}
        raise Refused("users_not_found")

    def groups(self, _: Args) -> Json:
        """`usergroups.list`."""
        return {"usergroups": [_group_json(group) for group in self._world.groups.values()]}

    def group_members(self, args: Args) -> Json:
        """`usergroups.users.list`."""
        group = self._world.groups.get(args.required("usergroup"))
        if group is None:
            raise Refused("no_such_subteam")
        return {"users": list(group.members)}

    def _user(self, user: str) -> User:
        if user not in self._world.users:
            raise Refused("user_not_found")
        return self._world.users[user]

    def _readable(self, args: Args) -> Channel:
        channel = find_channel(self._world, args.required("channel"))
        if not channel.bot_is_member:
            raise Refused("not_in_channel")
        return channel

    def _page(self, args: Args, messages: Sequence[Message], always: str = "") -> Json:
        """One page of the messages in the time asked for; `always` is on it whatever its time."""
        start = _start(args.text("cursor"))
        size = min(max(args.number("limit", _PAGE), 1), _MAX_PAGE)
        found = [one for one in messages if one.ts == always or _within(args, one.ts)]
        page = found[start : start + size]
        more = len(found) > start + size
        metadata = args.flag("include_all_metadata")
        answer: Json = {
            "messages": [message_json(self._world, one, metadata=metadata) for one in page],
            "has_more": more,
        }
        if more:
            answer["response_metadata"] = {"next_cursor": _cursor(start + size)}
        return answer


def _cut(args: Args, found: Sequence[T]) -> tuple[list[T], str]:
    """The page that was asked for, and the cursor of the next one, empty on the last."""
    start = _start(args.text("cursor"))
    end = start + min(max(args.number("limit", _PAGE), 1), _MAX_PAGE)
    return list(found[start:end]), _cursor(end) if end < len(found) else ""


def _within(args: Args, ts: str) -> bool:
    """Return True for a time from `oldest` to `latest`; `inclusive` counts the two themselves."""
    try:
        oldest = Decimal(args.text("oldest") or "0")
        latest = Decimal(args.text("latest") or "Infinity")
    except InvalidOperation:
        raise Refused("invalid_arguments") from None
    here = Decimal(ts)
    inside = oldest < here < latest
    return inside or (args.flag("inclusive") and here in {oldest, latest})


def _cursor(start: int) -> str:
    return base64.b64encode(f"next:{start}".encode()).decode()


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except ValueError:
        raise Refused("invalid_cursor") from None


def _kind(channel: Channel) -> str:
    if channel.im_with is not None:
        return "im"
    return "private_channel" if channel.private else "public_channel"


def _group_json(group: Group) -> Json:
    return {
        "id": group.id,
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "name": group.handle,
        "handle": group.handle,
        "user_count": len(group.members),
    }

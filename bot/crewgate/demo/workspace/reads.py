"""The reading methods: `auth.test`, `conversations.*`, `users.*`."""

import base64
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from crewgate.demo.workspace import wire
from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.chat import find_channel
from crewgate.demo.workspace.world import (
    APP_ID,
    BOT_ID,
    BOT_USER_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    Message,
    User,
    World,
)

T = TypeVar("T")

_PAGE: Final = 100
_MAX_PAGE: Final = 999


def auth_test(world: World, _: wire.Args) -> Json:
    return {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": "Demo",
        "team_id": TEAM_ID,
        "user": world.users[BOT_USER_ID].name,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "is_enterprise_install": False,
    }


def history(world: World, args: wire.Args) -> Json:
    """`conversations.history`: without replies, unless broadcast; the newest first."""
    channel = _readable(world, args)
    shown = [
        message
        for message in channel.messages.values()
        if message.thread_ts is None or message.broadcast
    ]
    newest_first = sorted(shown, key=lambda message: message.ts, reverse=True)
    return _page(world, args, newest_first)


def replies(world: World, args: wire.Args) -> Json:
    """`conversations.replies`: a thread, its first message first."""
    channel = _readable(world, args)
    ts = args.required("ts")
    message = channel.messages.get(ts)
    if message is None:
        raise wire.Refused("thread_not_found")
    return _page(world, args, channel.thread(ts), always=ts)


def members(world: World, args: wire.Args) -> Json:
    """`conversations.members`, in pages, of a channel named by its id."""
    channel = find_channel(world, args.required("channel"))
    if channel.id != args.text("channel"):
        raise wire.Refused("channel_not_found")
    bot = [BOT_USER_ID] if channel.bot_is_member else []
    page, cursor = cut(args, [*sorted(channel.members), *bot])
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def open_im(world: World, args: wire.Args) -> Json:
    user = args.text("users")
    if not user:
        return {"channel": wire.channel_json(find_channel(world, args.required("channel")))}
    person = _user(world, user)
    if person.is_bot:
        raise wire.Refused("cannot_dm_bot")
    if person.deleted:
        raise wire.Refused("user_disabled")
    return {"channel": wire.channel_json(world.im(person.id))}


def user_info(world: World, args: wire.Args) -> Json:
    return {"user": wire.user_json(_user(world, args.required("user")))}


def user_by_email(world: World, args: wire.Args) -> Json:
    email = args.required("email").lower()
    for user in world.users.values():
        if user.email and user.email.lower() == email:
            return {"user": wire.user_json(user)}
    raise wire.Refused("users_not_found")


def _user(world: World, user: str) -> User:
    if user not in world.users:
        raise wire.Refused("user_not_found")
    return world.users[user]


def _readable(world: World, args: wire.Args) -> Channel:
    channel = find_channel(world, args.required("channel"))
    if not channel.bot_is_member:
        raise wire.Refused("not_in_channel")
    return channel


def _page(world: World, args: wire.Args, messages: Sequence[Message], always: str = "") -> Json:
    """Return a page of the messages in the requested time, and always the message `always`."""
    in_time = [one for one in messages if one.ts == always or _within(args, one.ts)]
    page, cursor = cut(args, in_time)
    metadata = args.flag("include_all_metadata")
    answer: Json = {
        "messages": [wire.message_json(world, one, metadata=metadata) for one in page],
        "has_more": bool(cursor),
    }
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def cut(args: wire.Args, entries: Sequence[T]) -> tuple[list[T], str]:
    """Return the requested page, and the cursor of the next page, empty on the last."""
    start = _start(args.text("cursor"))
    end = start + min(max(args.number("limit", _PAGE), 1), _MAX_PAGE)
    return list(entries[start:end]), _cursor(end) if end < len(entries) else ""


def _within(args: wire.Args, ts: str) -> bool:
    """Return True for a time from `oldest` to `latest`; `inclusive` counts both ends."""
    try:
        oldest = Decimal(args.text("oldest") or "0")
        latest = Decimal(args.text("latest") or "Infinity")
    except InvalidOperation:
        raise wire.Refused("invalid_arguments") from None
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
        raise wire.Refused("invalid_cursor") from None


METHODS: Final[dict[str, wire.Method]] = {
    "auth.test": auth_test,
    "conversations.history": history,
    "conversations.members": members,
    "conversations.open": open_im,
    "conversations.replies": replies,
    "users.info": user_info,
    "users.lookupByEmail": user_by_email,
}

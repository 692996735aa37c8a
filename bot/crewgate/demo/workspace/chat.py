"""The methods that write messages: `chat.*` and `reactions.*`."""

from dataclasses import replace
from typing import Any, Final

from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.wire import Args, Method, Refused, message_json
from crewgate.demo.workspace.world import BOT_USER_ID, Channel, Message, World

_POST_TEXT: Final = 40_000
"""The characters after which a new message's text is cut."""
_UPDATE_TEXT: Final = 4_000
"""The characters above which an update's text is refused."""


def find_channel(world: World, name: str) -> Channel:
    """Return a channel that the bot can see, by its id, its `#name`, or its person for an IM."""
    if name in world.users:
        return world.im(name)
    for channel in world.channels.values():
        if name in {channel.id, f"#{channel.name}", channel.name} and name != "directmessage":
            if channel.private and not channel.bot_is_member:
                break  # To the bot, a channel it may not see does not exist.
            return channel
    raise Refused("channel_not_found")


def open_channel(world: World, name: str) -> Channel:
    channel = find_channel(world, name)
    if channel.archived:
        raise Refused("is_archived")
    if not channel.bot_is_member:
        raise Refused("not_in_channel")
    return channel


def find_message(channel: Channel, ts: str) -> Message:
    message = channel.messages.get(ts)
    if message is None or message.deleted:
        raise Refused("message_not_found")
    return message


def content_of(args: Args, world: World) -> Json:
    """Return a message's text and blocks. Raises Refused if the message has neither."""
    text, blocks = args.text("text"), args.json("blocks", "invalid_blocks_format") or []
    if not (text.strip() or blocks):
        raise Refused("no_text")
    return {"text": text, "blocks": world.with_ids(blocks)}


def post(world: World, args: Args) -> Json:
    channel = open_channel(world, args.required("channel"))
    content = content_of(args, world)
    content["text"] = content["text"][:_POST_TEXT]
    thread_ts = _thread(channel, args)
    message = world.put(
        Message(
            channel=channel.id,
            ts=world.new_ts(),
            user=BOT_USER_ID,
            bot=True,
            thread_ts=thread_ts,
            broadcast=thread_ts is not None and args.flag("reply_broadcast"),
            metadata=_metadata(args),
            unfurl_links=args.flag("unfurl_links", default=True),
            unfurl_media=args.flag("unfurl_media", default=True),
            **content,
        )
    )
    return _posted(world, message)


def update(world: World, args: Args) -> Json:
    """`chat.update`: a text without blocks removes the message's blocks."""
    channel = open_channel(world, args.required("channel"))
    message = find_message(channel, args.required("ts"))
    if message.user != BOT_USER_ID:
        raise Refused("cant_update_message")
    content = content_of(args, world)
    if len(content["text"]) > _UPDATE_TEXT:
        raise Refused("msg_too_long")
    metadata = _metadata(args)
    changed = replace(
        message,
        **content,
        metadata=message.metadata if metadata is None else metadata,
        broadcast=message.broadcast
        or (message.thread_ts is not None and args.flag("reply_broadcast")),
        edited=world.new_ts(),
    )
    return _posted(world, world.put(changed)) | {"text": changed.text}


def post_ephemeral(world: World, args: Args) -> Json:
    channel = open_channel(world, args.required("channel"))
    user = args.required("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    message = Message(
        channel=channel.id,
        ts=world.new_ts(),
        user=BOT_USER_ID,
        bot=True,
        thread_ts=args.text("thread_ts") or None,
        only_for=user,
        **content_of(args, world),
    )
    return {"message_ts": world.post_ephemeral(message).ts}


def react(world: World, args: Args) -> Json:
    channel = open_channel(world, args.required("channel"))
    name = args.required("name").strip(":")
    message = find_message(channel, args.required("timestamp"))
    users = message.reactions.get(name, ())
    if BOT_USER_ID in users:
        raise Refused("already_reacted")
    world.put(replace(message, reactions={**message.reactions, name: (*users, BOT_USER_ID)}))
    return {}


def _thread(channel: Channel, args: Args) -> str | None:
    """Return the `ts` of the first message in the thread to reply in, even if it names a reply."""
    ts = args.text("thread_ts")
    if not ts:
        return None
    message = channel.messages.get(ts)
    if message is None:
        raise Refused("thread_not_found")
    return message.thread_ts or message.ts


def _posted(world: World, message: Message) -> Json:
    wire = message_json(world, message, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "message": wire}


def _metadata(args: Args) -> Json | None:
    metadata: Any = args.json("metadata", "invalid_metadata_format")
    match metadata:
        case None:
            return None
        case {"event_type": str(), "event_payload": dict()}:
            return dict(metadata)
        case _:
            raise Refused("invalid_metadata_format")


METHODS: Final[dict[str, Method]] = {
    "chat.postMessage": post,
    "chat.update": update,
    "chat.postEphemeral": post_ephemeral,
    "reactions.add": react,
}

"""Answers through a `response_url`, or in the acknowledgement of a command."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from crewgate.demo.workspace import blocks, chat, wire
from crewgate.demo.workspace.world import BOT_USER_ID, Message, ResponseUrl, World

_MAX_USES: Final = 5
_VALID_SECONDS: Final = 30 * 60


def post(world: World, name: str, body: blocks.Json) -> tuple[int, blocks.Json]:
    """Handle a POST to a `response_url`; return the HTTP status and body."""
    response_url = world.response_urls.get(name)
    if response_url is None or world.now() - response_url.issued_at > _VALID_SECONDS:
        return 404, {"ok": False, "error": "expired_url"}
    if response_url.uses >= _MAX_USES:
        return 404, {"ok": False, "error": "used_url"}
    response_url.uses += 1
    try:
        answer(world, response_url, body)
    except wire.Refused as refused:
        return 400, {"ok": False, "error": refused.code} | refused.more
    return 200, {"ok": True}


def answer(world: World, response_url: ResponseUrl, body: Mapping[str, object]) -> None:
    """Show the bot's answer to the person who pressed, or with `in_channel` to the whole channel.

    Raises Refused if Slack would not show it.
    """
    args = wire.Args(dict(body))
    before = _original(world, response_url)
    if args.flag("delete_original"):
        if before is not None:
            _remove(world, before)
        return
    content = chat.content_of(args, world)
    if before is not None and args.flag("replace_original"):
        _put(world, replace(before, **content, edited=world.new_ts()))
        return
    private = args.text("response_type", "ephemeral") != "in_channel"
    _put(
        world,
        Message(
            channel=response_url.channel,
            ts=world.new_ts(),
            user=BOT_USER_ID,
            bot=True,
            thread_ts=args.text("thread_ts") or None,
            only_for=response_url.user if private else None,
            **content,
        ),
    )


def _original(world: World, response_url: ResponseUrl) -> Message | None:
    """Return the message whose element was used, if it still exists."""
    in_channel = world.channels[response_url.channel].messages.get(response_url.message_ts or "")
    ephemeral = (one for one in world.ephemerals if one.ts == response_url.message_ts)
    return in_channel or next(ephemeral, None)


def _put(world: World, message: Message) -> None:
    if message.only_for is None:
        world.put(message)
    else:
        _drop(world, message.ts)
        world.post_ephemeral(message)


def _remove(world: World, message: Message) -> None:
    if message.only_for is None:
        world.remove(message)
    else:
        _drop(world, message.ts)
        world.changes.announce("deleted", message)


def _drop(world: World, ts: str) -> None:
    for message in list(world.ephemerals):
        if message.ts == ts:
            world.ephemerals.remove(message)

"""ResponseUrls without a method: through a `response_url`, or in a command's acknowledgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bot.demo.workspace.args import Args, Refused
from bot.demo.workspace.chat import content_of
from bot.demo.workspace.records import BOT_USER_ID, Message, ResponseUrl
from bot.demo.workspace.text import Json
from bot.demo.workspace.world import World

_USES: Final = 5
_SECONDS: Final = 30 * 60


class ResponseUrls:
    """What the bot says to the one person who did something."""

    def __init__(self, world: World) -> None:
        self._world = world

    def use_hook(self, name: str, body: Json) -> tuple[int, Json]:
        """Take a POST to a `response_url`: the HTTP status and what it says."""
        hook = self._world.hooks.get(name)
        if hook is None or self._world.now() - hook.issued_at > _SECONDS:
            return 404, {"ok": False, "error": "expired_url"}
        if hook.uses >= _USES:
            return 404, {"ok": False, "error": "used_url"}
        hook.uses += 1
        try:
            self.say(hook, body)
        except Refused as refused:
            return 400, {"ok": False, "error": refused.code} | refused.more
        return 200, {"ok": True}

    def say(self, hook: ResponseUrl, body: Mapping[str, object]) -> None:
        """Show the answer: to this person alone, unless `response_type` says `in_channel`.

        Raises Refused when Slack would not show it.
        """
        args = Args(dict(body))
        before = self._original(hook)
        if args.flag("delete_original"):
            if before is not None:
                self._remove(before)
            return
        content = content_of(args, self._world)
        if before is not None and args.flag("replace_original"):
            self._put(replace(before, **content, edited=self._world.new_ts()))
            return
        private = args.text("response_type", "ephemeral") != "in_channel"
        self._put(
            Message(
                channel=hook.channel,
                ts=self._world.new_ts(),
                user=BOT_USER_ID,
                bot=True,
                thread_ts=args.text("thread_ts") or None,
                only_for=hook.user if private else None,
                **content,
            )
        )

    def _original(self, hook: ResponseUrl) -> Message | None:
        """The message whose button was pressed, if it was one and is still there."""
        in_channel = self._world.channels[hook.channel].messages.get(hook.message_ts or "")
        whispered = (one for one in self._world.ephemerals if one.ts == hook.message_ts)
        return in_channel or next(whispered, None)

    def _put(self, message: Message) -> None:
        if message.only_for is None:
            self._world.put(message)
        else:
            self._forget(message.ts)
            self._world.post_ephemeral(message)

    def _remove(self, message: Message) -> None:
        if message.only_for is None:
            self._world.remove(message)
        else:
            self._forget(message.ts)
            self._world.changes.announce("deleted", message)

    def _forget(self, ts: str) -> None:
        for message in list(self._world.ephemerals):
            if message.ts == ts:
                self._world.ephemerals.remove(message)

"""The actions of people in the workspace, and the bot's replies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from crewgate.demo.workspace import forms, response_urls, views
from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.delivery import Reply, Sender
from crewgate.demo.workspace.payloads import Payloads
from crewgate.demo.workspace.wire import Refused, message_json, view_json
from crewgate.demo.workspace.world import Channel, Message, ResponseUrl, View, World


@dataclass(frozen=True, slots=True)
class Written:
    """A person's message, the event that delivered it, and the bot's reply."""

    message: Message
    delivery: Json
    reply: Reply


class UserActions:
    """Actions in the workspace: each is one person's, and returns once the bot has answered."""

    def __init__(self, world: World, sender: Sender, payloads: Payloads) -> None:
        self.world = world
        self._sender = sender
        self._payloads = payloads

    # ---- buttons and menus

    async def click(
        self, user: str, surface: Message | View, button: str, *, block_id: str | None = None
    ) -> Reply:
        """Press a button, named by its text or action id, in a message, a modal or Home.

        Raises CannotDoThat if this person sees no such button, or several of that name.
        """
        used = forms.find_element(self._visible_blocks(user, surface), button, block_id, "button")
        return await self._send_action(user, surface, used, {})

    async def use(
        self,
        user: str,
        surface: Message | View,
        action_id: str,
        *,
        block_id: str,
        chosen: str | None = None,
        entered: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """Press any element, or choose in it; `entered` are other values of the form.

        Raises CannotDoThat if this person sees no such element or choice.
        """
        used = forms.find_element(self._visible_blocks(user, surface), action_id, block_id)
        block, element = used
        if element["type"] not in {"button", "overflow"}:
            entered = {**(entered or {}), f"{block['block_id']}/{action_id}": chosen}
        return await self._send_action(user, surface, used, forms.choice(element, chosen), entered)

    def _visible_blocks(self, user: str, surface: Message | View) -> list[Json]:
        """Return the blocks. Raises CannotDoThat if this person cannot see them."""
        owner = surface.only_for if isinstance(surface, Message) else surface.user
        if owner not in {None, user}:
            raise forms.CannotDoThat(f"only {owner} sees this")
        if isinstance(surface, Message):
            channel = self.world.channels[surface.channel]
            if channel.private and user not in channel.members:
                raise forms.CannotDoThat(f"only the members of {channel.name} see this")
        return list(surface.blocks)

    async def _send_action(
        self,
        user: str,
        surface: Message | View,
        used: tuple[Json, Json],
        chosen: Json,
        entered: Mapping[str, str | None] | None = None,
    ) -> Reply:
        payload = self._payloads.action(user, surface, used, chosen, entered or {})
        return await self._sender.send("interactive", payload)

    # ---- modals

    async def submit(
        self, user: str, values: Mapping[str, str | None] | None = None, view: View | None = None
    ) -> Reply:
        """Send the modal on top, filled in: values by block id, action id or label.

        A value is text for an input, or an option's text or value for a menu. The bot's answer is
        carried out: the modal closes, changes, or stays with `Reply.errors`.

        Raises CannotDoThat for input that Slack's client would not send.
        """
        shown = self._open_modal(user, view)
        payload = self._payloads.submission(shown, forms.fill(shown, values or {}))
        reply = await self._sender.send("interactive", payload)
        if not reply.ok:
            return reply
        try:
            return self._apply(shown, reply)
        except Refused as refused:
            return replace(reply, problem=f"Slack refused the answer: {refused} {refused.more}")

    async def close_modal(self, user: str, *, all_of_them: bool = False) -> None:
        """Close the top modal, or all; the bot is not told, for its modals never ask for that."""
        closing = self.world.modals.get(user, [])[0 if all_of_them else -1 :]
        if not closing:
            raise forms.CannotDoThat("no modal is open")
        for view in reversed(closing):
            self._close(view)

    def _open_modal(self, user: str, view: View | None) -> View:
        for shown in reversed(self.world.modals.get(user, [])):
            if view is None or view.id == shown.id:
                return shown
        raise forms.CannotDoThat("that modal is not open")

    def _apply(self, view: View, reply: Reply) -> Reply:
        answer = reply.body if isinstance(reply.body, dict) else {}
        match answer.get("response_action"):
            case None:
                self._close(view)
            case "clear":
                for shown in list(self.world.modals.get(view.user, ())):
                    self._close(shown)
            case "errors":
                return replace(reply, errors=_errors(view, answer.get("errors")))
            case "update":
                views.change(self.world, view, answer.get("view", {}))
            case other:
                raise Refused(f"unknown response_action: {other}")
        return reply

    def _close(self, view: View) -> None:
        stack = self.world.modals.get(view.user, [])
        if view in stack:
            stack.remove(view)
        self.world.changes.announce("closed", view)

    # ---- commands and messages

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> Reply:
        """Type a slash command, and show the acknowledgement like any answer."""
        # The manifest sets `should_escape`, so Slack replaces names of people with their ids.
        text = self._payloads.with_ids(text)
        payload, response_url = self._payloads.command(
            user, self.world.channels[channel], command, text
        )
        reply = await self._sender.send("slash_commands", payload)
        return self._show(response_url, reply) if reply.ok and reply.body else reply

    def _show(self, response_url: ResponseUrl, reply: Reply) -> Reply:
        body = reply.body if isinstance(reply.body, dict) else {"text": reply.body}
        if not (body.get("text") or body.get("blocks")):
            return reply
        try:
            self._answer(response_url, body)
        except Refused as refused:
            return replace(reply, problem=f"Slack refused the answer: {refused} {refused.more}")
        return reply

    def _answer(self, response_url: ResponseUrl, body: Json) -> None:
        response_urls.answer(self.world, response_url, body)

    async def write(
        self, user: str, channel: str, text: str, thread_ts: str | None = None
    ) -> Written:
        where = self._channel_of(user, channel)
        if thread_ts is not None and thread_ts not in where.messages:
            raise forms.CannotDoThat("that thread does not exist")
        message = self.world.put(
            Message(
                channel=channel, ts=self.world.new_ts(), user=user, text=text, thread_ts=thread_ts
            )
        )
        return await self._deliver_message(message, self._payloads.message_event(message))

    async def edit_message(self, user: str, message: Message, text: str) -> Written:
        before = self.world.channels[message.channel].messages[message.ts]
        if before.user != user:
            raise forms.CannotDoThat("only its author can edit a message")
        after = self.world.put(replace(before, text=text, edited=self.world.new_ts()))
        event = self._payloads.message_event(
            after,
            subtype="message_changed",
            message=message_json(self.world, after),
            previous_message=message_json(self.world, before),
        )
        return await self._deliver_message(after, event)

    async def delete_message(self, message: Message) -> Written:
        before = self.world.channels[message.channel].messages[message.ts]
        event = self._payloads.message_event(
            before,
            subtype="message_deleted",
            deleted_ts=before.ts,
            previous_message=message_json(self.world, before),
        )
        self.world.remove(before)
        return await self._deliver_message(before, event)

    async def open_home(self, user: str) -> Reply:
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": self.world.im(user).id,
            "tab": "home",
            "event_ts": self.world.new_ts(),
        }
        if user in self.world.homes:
            event["view"] = view_json(self.world.homes[user])
        return await self._sender.send("events_api", self._payloads.event(event))

    async def _deliver_message(self, message: Message, event: Json) -> Written:
        """Deliver a message's event to the bot, if the bot is in the channel."""
        delivery = self._payloads.event(event)
        if not self.world.channels[message.channel].bot_is_member:
            return Written(message, delivery, Reply(0, problem="the bot is not in the channel"))
        return Written(message, delivery, await self._sender.send("events_api", delivery))

    def _channel_of(self, user: str, channel: str) -> Channel:
        where = self.world.channels[channel]
        if user not in where.members or where.archived:
            raise forms.CannotDoThat(f"{user} cannot write in {where.name}")
        return where


def _errors(view: View, errors: object) -> dict[str, str]:
    """Return a modal's errors by block id. Raises Refused for an unknown input block."""
    texts = (
        {str(key): str(text) for key, text in errors.items()} if isinstance(errors, dict) else {}
    )
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not texts or texts.keys() - inputs:
        raise Refused("invalid_response_action_errors", errors=texts)
    return texts

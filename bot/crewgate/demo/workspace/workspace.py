"""The workspace: its server, its state, and controls and observations for tests."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Self, TypeVar

from crewgate.demo.workspace.blocks import elements, label
from crewgate.demo.workspace.delivery import Sender, Sockets
from crewgate.demo.workspace.server import Server
from crewgate.demo.workspace.user_actions import UserActions
from crewgate.demo.workspace.web_api import Call, WebApi
from crewgate.demo.workspace.world import (
    TEAM_ID,
    Channel,
    File,
    Grid,
    Group,
    Message,
    User,
    View,
    World,
)

T = TypeVar("T")


class Workspace(UserActions):
    """The stand-in workspace: fill it, act as its people, observe it, and inject faults."""

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-demo",
        app_token: str = "xapp-demo",
        signing_secret: str = "0123456789abcdef0123456789abcdef",
        now: Callable[[], float] = time.time,
        ack_seconds: float = 3,
        scopes: Iterable[str] | None = None,
        grid: Grid | None = None,
    ) -> None:
        """`now` returns the Unix time; the bot must answer within `ack_seconds`.

        `scopes` are the bot token's permissions; None permits everything. With `grid` the workspace
        belongs to an organisation.
        """
        self.bot_token = bot_token
        self.app_token = app_token
        self.signing_secret = signing_secret
        world = World(now=now, grid=grid)
        self.sockets = Sockets(world, ack_seconds)
        self.api = WebApi(
            world, bot_token=bot_token, app_token=app_token, new_ticket=self.sockets.ticket
        )
        self.api.scopes = None if scopes is None else frozenset(scopes)
        self.faults = self.api.faults
        """Faults of the Web API's methods, of `upload` and of `response_url`."""
        self.fail, self.release = self.faults.fail, self.faults.release
        self.subscribe = world.changes.subscribe
        self._server = Server(world, self.api, self.sockets)
        # Down, it refuses connections and closes the open ones, sockets too; the state is kept.
        self.go_down, self.come_back = self._server.stop, self._server.start
        self._bot = Sender(world, self.sockets, signing_secret, ack_seconds)
        super().__init__(world, self._bot)

    # ---- starting and stopping

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._bot.close()
        await self._server.stop()

    @property
    def api_url(self) -> str:
        return f"{self._server.url}/api/"

    @property
    def events_url(self) -> str | None:
        """The address of the bot; None: Slack uses a connected socket."""
        return self._bot.events_url

    @events_url.setter
    def events_url(self, url: str | None) -> None:
        self._bot.events_url = url

    # ---- contents

    def add_user(
        self,
        user: str,
        name: str,
        email: str = "",
        *,
        is_guest: bool = False,
        team_id: str = TEAM_ID,
        tz: str | None = "Etc/UTC",
    ) -> User:
        """Add a person to the workspace; with another `team_id`, only to its shared channels."""
        email = email or f"{name}@example.com"
        joined = User(user, name, email, is_guest=is_guest, team_id=team_id, tz=tz)
        self.world.users[user] = joined
        return joined

    def add_channel(
        self,
        channel: str,
        name: str,
        *,
        members: Iterable[str] = (),
        private: bool = False,
        bot_is_member: bool = True,
    ) -> Channel:
        """Open a channel; its `archived`, `members` and `bot_is_member` may be changed later."""
        opened = Channel(channel, name, set(members), private, bot_is_member)
        self.world.channels[channel] = opened
        return opened

    def add_group(self, group: str, handle: str, members: Iterable[str]) -> Group:
        self.world.groups[group] = made = Group(group, handle, tuple(members))
        return made

    # ---- watching

    def messages(self, channel: str) -> list[Message]:
        """Return a channel's present messages with replies, the oldest first."""
        return sorted(self.world.channels[channel].messages.values(), key=lambda one: one.ts)

    def fresh(self, message: Message) -> Message:
        return self.world.channels[message.channel].messages[message.ts]

    def ephemerals(self, user: str) -> list[Message]:
        """Return the bot's answers that only this person sees, the oldest first."""
        return [one for one in self.world.ephemerals if one.only_for == user]

    def open_modals(self, user: str) -> list[View]:
        return [replace(view) for view in self.world.modals.get(user, ())]

    def home(self, user: str) -> View:
        return replace(self.world.homes[user])

    @property
    def files(self) -> list[File]:
        return [one for one in self.world.files.values() if one.channel is not None]

    @property
    def calls(self) -> list[Call]:
        """The latest 2,000 calls of the Web API, without tokens, the oldest first."""
        return list(self.api.calls)

    def calls_of(self, method: str) -> list[Call]:
        return [call for call in self.api.calls if call.method == method]

    async def until(self, condition: Callable[[], T], timeout: float = 30) -> T:
        """Wait until the condition returns a true value, and return the value.

        The condition is called at each change; its LookupError counts as false: `until(lambda:
        slack.messages("C1")[1])`. Raises TimeoutError, listing the latest calls, after `timeout`
        seconds.
        """
        return await self.world.changes.until(condition, timeout, self._describe)

    def _describe(self) -> str:
        recent = self.calls[-12:]
        lines = [
            f"  {call.method} {json.dumps(call.args, default=str)[:300]} -> "
            f"{json.dumps(call.answer, default=str)[:200]}"
            for call in recent
        ]
        return "\n".join([f"the latest {len(recent)} calls:", *lines])

    # ---- faults

    def clear_faults(self, *, release: bool = True) -> None:
        """End all faults; without `release`, hanging calls never do their work."""
        self.api.faults.clear()
        if release:
            self.api.faults.release()


def message_text(message: Message | View) -> str:
    """Return all text of a message or view: `text` and every block, line by line, decoded."""
    return message.shown


def buttons(message: Message | View) -> list[str]:
    blocks = message.all_blocks if isinstance(message, Message) else message.blocks
    found = elements(blocks)
    return [label(element) for _, element in found if element["type"] == "button"]

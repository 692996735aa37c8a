"""The workspace: its server, its state, controls and observations."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Self, TypeVar

from crewgate.demo.workspace import blocks, delivery, user_actions
from crewgate.demo.workspace.payloads import Payloads
from crewgate.demo.workspace.server import Server
from crewgate.demo.workspace.web_api import WebApi
from crewgate.demo.workspace.world import Channel, File, Message, User, View, World

T = TypeVar("T")


class Workspace(user_actions.UserActions):
    """The stand-in workspace: fill it, act as its people, observe it, and inject faults."""

    def __init__(
        self, world: World, api: WebApi, server: Server, sender: delivery.Sender, payloads: Payloads
    ) -> None:
        super().__init__(world, sender, payloads)
        self.api = api
        self.bot_token, self.signing_secret = api.bot_token, sender.signing_secret
        self.faults = api.faults
        """Faults of the Web API's methods, of `upload` and of `response_url`."""
        self._server = server

    # ---- starting and stopping

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sender.close()
        await self._server.stop()

    @property
    def api_url(self) -> str:
        return f"{self._server.url}/api/"

    @property
    def events_url(self) -> str | None:
        """The bot's address for events, presses, forms and commands."""
        return self._sender.events_url

    @events_url.setter
    def events_url(self, url: str | None) -> None:
        self._sender.events_url = url

    # ---- contents

    def add_user(self, user: str, name: str, email: str) -> User:
        self.world.users[user] = joined = User(user, name, email)
        return joined

    def add_channel(self, channel: str, name: str, *, members: Iterable[str] = ()) -> Channel:
        self.world.channels[channel] = opened = Channel(channel, name, set(members))
        return opened

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

    async def until(self, condition: Callable[[], T], timeout: float = 30) -> T:
        """Wait until the condition returns a true value, and return the value.

        The condition is called at each change; its LookupError counts as false: `until(lambda:
        slack.messages("C1")[1])`. Raises TimeoutError after `timeout` seconds.
        """
        return await self.world.changes.until(condition, timeout)


def empty_workspace(now: Callable[[], float]) -> Workspace:
    """Return a workspace of nobody but the bot; `now` returns the Unix time."""
    world = World(now=now)
    api = WebApi(world)
    return Workspace(world, api, Server(world, api), delivery.Sender(world), Payloads(world))


def message_text(message: Message | View) -> str:
    """Return all text of a message or view: `text` and every block, line by line, decoded."""
    return message.shown


def buttons(message: Message | View) -> list[str]:
    elements = (element for _, element in blocks.elements(message.blocks))
    return [blocks.label(element) for element in elements if element["type"] == "button"]

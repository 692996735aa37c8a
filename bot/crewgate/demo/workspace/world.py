"""The state of the stand-in workspace, with its ids, timestamps and notifications of people.

The methods that change it are in the modules named after Slack's.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from crewgate.demo.changes import Changes
from crewgate.demo.workspace.grid import Grid
from crewgate.demo.workspace.records import (
    BOT_USER_ID,
    Channel,
    File,
    Group,
    Message,
    ResponseUrl,
    Trigger,
    User,
    View,
)
from crewgate.demo.workspace.text import Json


class World:
    """The state of the whole workspace. Every change is announced."""

    def __init__(self, *, now: Callable[[], float], grid: Grid | None = None) -> None:
        self.now = now
        self.grid = grid
        """The organisation that the workspace is of."""
        self.url = ""
        """The server's own address, which uploads and answers are sent to."""
        self.changes = Changes()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, Group] = {}
        self.files: dict[str, File] = {}
        self.ephemerals: deque[Message] = deque(maxlen=2_000)
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.unknown_blocks: set[str] = set()
        """Types of blocks that this workspace does not take yet."""
        self.response_urls: dict[str, ResponseUrl] = {}
        self._ids = 0
        self._last_ts = 0
        self.users[BOT_USER_ID] = User(BOT_USER_ID, "crewgate", "", is_bot=True)

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids:09X}"

    def new_ts(self) -> str:
        """A new message timestamp, which is also its id: later than every one before."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def put(self, message: Message) -> Message:
        """Store a message, replacing the one with the same `ts`."""
        channel = self.channels[message.channel]
        before = channel.messages.get(message.ts)
        pinged = self.pinged(message) | (before.pings if before else frozenset())
        message = replace(message, pings=pinged)
        channel.messages[message.ts] = message
        self.changes.announce("message", message)
        return message

    def post_ephemeral(self, message: Message) -> Message:
        """Show one person an ephemeral message."""
        message = replace(message, pings=frozenset())
        self.ephemerals.append(message)
        self.changes.announce("ephemeral", message)
        return message

    def remove(self, message: Message) -> None:
        """Delete a message. The first one of a thread leaves a tombstone for its replies."""
        channel = self.channels[message.channel]
        if len(channel.thread(message.ts)) > 1:
            tombstone = Message(channel=channel.id, ts=message.ts, user="USLACKBOT", text="")
            channel.messages[message.ts] = replace(tombstone, deleted=True)
        else:
            del channel.messages[message.ts]
        self.changes.announce("deleted", message)

    def pinged(self, message: Message) -> frozenset[str]:
        """Return the users that the message's mentions notify, members of the channel or not."""
        members = self.channels[message.channel].members
        called: set[str] = set()
        for mention in message.mentions:
            if mention in {"!channel", "!here", "!everyone", "!group"}:
                called |= members
            elif mention.startswith("!subteam^"):
                group = self.groups.get(mention.removeprefix("!subteam^"))
                called |= set(group.members if group else ())
            elif mention.startswith("@"):
                called.add(mention[1:])
        return frozenset(called & self.users.keys()) - {message.user}

    def im(self, user: str) -> Channel:
        """A person's direct messages with the bot."""
        for channel in self.channels.values():
            if channel.im_with == user:
                return channel
        channel = Channel(self.new_id("D"), "directmessage", {user}, private=True, im_with=user)
        self.channels[channel.id] = channel
        return channel

    def new_trigger(self, user: str) -> str:
        """A new `trigger_id` for what this person has just done."""
        name = self.new_id("9.")
        self.triggers[name] = Trigger(user, self.now())
        _drop_oldest(self.triggers)
        return name

    def new_response_url(self, response_url: ResponseUrl) -> str:
        """The name under which a new `response_url` is stored."""
        name = self.new_id("R")
        self.response_urls[name] = response_url
        _drop_oldest(self.response_urls)
        return name

    def with_ids(self, blocks: Iterable[Json]) -> tuple[Json, ...]:
        """The blocks with the ids Slack makes up where the bot gave none."""
        return tuple(
            {**block, **_element_ids(block, self.new_id)}
            | {"block_id": block.get("block_id") or self.new_id("b")}
            for block in blocks
        )


def _element_ids(block: Json, new_id: Callable[[str], str]) -> Json:
    """`accessory`, `element` and `elements` of a block, each interactive one with an action id."""

    def named(element: Json) -> Json:
        interactive = element.get("type") not in {"image", "plain_text", "mrkdwn"}
        return {"action_id": new_id("a"), **element} if interactive else element

    filled: Json = {key: named(block[key]) for key in ("accessory", "element") if key in block}
    if block["type"] == "actions":
        filled["elements"] = [named(element) for element in block["elements"]]
    return filled


def _drop_oldest(kept: dict[str, Trigger] | dict[str, ResponseUrl], most: int = 1_000) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]

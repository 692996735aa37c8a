"""The state of the stand-in workspace: it makes ids and timestamps, and announces changes.

Methods of the Web API, in modules named after Slack's, change it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Final

from crewgate.demo.changes import Changes
from crewgate.demo.workspace.blocks import Json, Piece, pieces, readable

TEAM_ID: Final = "T0DEMO"
TEAM_DOMAIN: Final = "demo"
APP_ID: Final = "A0DEMO"
BOT_ID: Final = "B0DEMO"
BOT_USER_ID: Final = "U0DEMOBOT"


@dataclass(frozen=True, slots=True)
class User:
    """A person, or the bot itself."""

    id: str
    name: str
    email: str
    _: KW_ONLY
    is_bot: bool = False
    is_guest: bool = False
    team_id: str = TEAM_ID
    """The person's workspace: another one for colleagues elsewhere in the organisation, and for
    people of other organisations in a shared channel (Slack Connect)."""
    deleted: bool = False
    tz: str | None = "Etc/UTC"
    """The person's time zone; None if Slack names none."""


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file; `content` is empty until the upload is done."""

    id: str
    name: str
    size: int
    _: KW_ONLY
    title: str = ""
    content: bytes | None = None
    channel: str | None = None
    """The file's channel; None until the completed upload shows the file there."""
    thread_ts: str | None = None

    @property
    def text(self) -> str:
        return (self.content or b"").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A snapshot of a message: an edit makes a new snapshot.

    `Workspace.fresh(message)` returns the present snapshot.
    """

    channel: str
    ts: str
    user: str
    text: str
    bot: bool = False
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    """The first message of a reply's thread; None for a first message."""
    broadcast: bool = False
    """The reply is shown in the channel too."""
    metadata: Json | None = None
    files: tuple[File, ...] = ()
    reactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The users who reacted, by the name of the emoji."""
    edited: str | None = None
    unfurl_links: bool = True
    unfurl_media: bool = True
    only_for: str | None = None
    """The only person who sees an ephemeral message."""
    deleted: bool = False
    """True for the tombstone of a thread's deleted first message."""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return (Piece(self.text, live=True), *pieces(self.blocks))

    @property
    def shown(self) -> str:
        return "\n".join(readable(piece.text) for piece in self.pieces if piece.text)


class ChannelKind(StrEnum):
    """The kinds of channels, as `conversations.list` calls them."""

    PUBLIC = "public_channel"
    PRIVATE = "private_channel"
    DIRECT = "im"


@dataclass(slots=True)
class Channel:
    """A channel, or a person's direct messages with the bot (`im_with`)."""

    id: str
    name: str
    members: set[str]
    _: KW_ONLY
    private: bool = False
    bot_is_member: bool = True
    archived: bool = False
    im_with: str | None = None
    team_id: str = TEAM_ID
    """The workspace of the channel, if it is another one of the organisation."""
    messages: dict[str, Message] = field(default_factory=dict)

    @property
    def kind(self) -> ChannelKind:
        if self.im_with is not None:
            return ChannelKind.DIRECT
        return ChannelKind.PRIVATE if self.private else ChannelKind.PUBLIC

    def thread(self, ts: str) -> list[Message]:
        thread = [one for one in self.messages.values() if ts in {one.ts, one.thread_ts}]
        return sorted(thread, key=lambda one: one.ts)


@dataclass(slots=True, kw_only=True)
class View:
    """A modal or a Home page, as one person sees it."""

    id: str
    user: str
    content: Json
    """The view as the bot sent it: type, title, blocks, private_metadata …"""
    hash: str
    root_id: str = ""
    previous_id: str | None = None

    @property
    def blocks(self) -> list[Json]:
        return list(self.content.get("blocks", ()))

    @property
    def shown(self) -> str:
        return "\n".join(readable(piece.text) for piece in pieces(self.content))


@dataclass(slots=True)
class Trigger:
    """A `trigger_id`: opens a modal once, within seconds of the person's action."""

    user: str
    issued_at: float
    used: bool = False


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """A `response_url`: lets the bot answer one action of a person, a few times."""

    user: str
    channel: str
    issued_at: float
    message_ts: str | None = None
    uses: int = 0


class World:
    """The state of the whole workspace. Every change is announced."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self.now = now
        self.url = ""
        """The server's own address, for uploads and answers."""
        self.changes = Changes()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.ephemerals: list[Message] = []
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self._ids = 0
        self._last_ts = 0
        self.users[BOT_USER_ID] = User(BOT_USER_ID, "crewgate", "", is_bot=True)

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids:09X}"

    def new_ts(self) -> str:
        """Return a new message timestamp, the message's id: it is later than every one before."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def put(self, message: Message) -> Message:
        self.channels[message.channel].messages[message.ts] = message
        self.changes.announce("message", message)
        return message

    def post_ephemeral(self, message: Message) -> Message:
        self.ephemerals.append(message)
        self.changes.announce("ephemeral", message)
        return message

    def remove(self, message: Message) -> None:
        """Delete a message; a thread's first message leaves a tombstone for its replies."""
        channel = self.channels[message.channel]
        if len(channel.thread(message.ts)) > 1:
            tombstone = Message(channel=channel.id, ts=message.ts, user="USLACKBOT", text="")
            channel.messages[message.ts] = replace(tombstone, deleted=True)
        else:
            del channel.messages[message.ts]
        self.changes.announce("deleted", message)

    def im(self, user: str) -> Channel:
        for channel in self.channels.values():
            if channel.im_with == user:
                return channel
        channel = Channel(self.new_id("D"), "directmessage", {user}, private=True, im_with=user)
        self.channels[channel.id] = channel
        return channel

    def new_trigger(self, user: str) -> str:
        name = self.new_id("9.")
        self.triggers[name] = Trigger(user, self.now())
        return name

    def new_response_url(self, response_url: ResponseUrl) -> str:
        """Store a `response_url`; return its name."""
        name = self.new_id("R")
        self.response_urls[name] = response_url
        return name

    def with_ids(self, blocks: Iterable[Json]) -> tuple[Json, ...]:
        """Return the blocks with Slack's own ids where the bot gave none."""
        return tuple(
            {**block, **_element_ids(block, self.new_id)}
            | {"block_id": block.get("block_id") or self.new_id("b")}
            for block in blocks
        )


def _element_ids(block: Json, new_id: Callable[[str], str]) -> Json:
    """Return a block's interactive elements, each with an action id."""

    def named(element: Json) -> Json:
        interactive = element.get("type") not in {"image", "plain_text", "mrkdwn"}
        return {"action_id": new_id("a"), **element} if interactive else element

    filled: Json = {key: named(block[key]) for key in ("accessory", "element") if key in block}
    if block["type"] == "actions":
        filled["elements"] = [named(element) for element in block["elements"]]
    return filled

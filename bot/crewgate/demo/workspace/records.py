"""The records of a workspace: people, channels, messages, files, views."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crewgate.demo.workspace.text import Json, Piece, disguised_links, mentions, pieces, readable

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
    is_bot: bool = False
    is_guest: bool = False
    """A guest of the workspace, in one channel or several."""
    team_id: str = TEAM_ID
    """Another one for people of the organisation's other workspaces, and for those of other
    organisations, in a shared channel (Slack Connect)."""
    deleted: bool = False
    tz: str | None = "Etc/UTC"
    """The time zone that the person has set; None if Slack tells none."""


@dataclass(frozen=True, slots=True)
class Group:
    """A user group, mentioned by its handle."""

    id: str
    handle: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file; `content` is empty until the upload is done."""

    id: str
    name: str
    size: int
    title: str = ""
    content: bytes | None = None
    channel: str | None = None
    """None until the upload has been completed, which shows the file in a channel."""
    thread_ts: str | None = None

    @property
    def text(self) -> str:
        return (self.content or b"").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A snapshot of a message: an edit makes a new one.

    `Workspace.fresh(message)` gives the present one.
    """

    channel: str
    ts: str
    user: str
    text: str
    bot: bool = False
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    thread_ts: str | None = None
    """The first message of the thread this is a reply in; None for a first message."""
    broadcast: bool = False
    """A reply that is shown in the channel too."""
    metadata: Json | None = None
    files: tuple[File, ...] = ()
    reactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The users who reacted, by the name of the emoji."""
    edited: str | None = None
    unfurl_links: bool = True
    unfurl_media: bool = True
    only_for: str | None = None
    """The one person who sees an ephemeral message."""
    deleted: bool = False
    """The tombstone in place of a deleted first message of a thread."""
    pings: frozenset[str] = frozenset()
    """Ids of the people this message has notified since it was first posted."""

    @property
    def all_blocks(self) -> tuple[Json, ...]:
        """The blocks, and those in attachments."""
        extra = (block for one in self.attachments for block in one.get("blocks", ()))
        return (*self.blocks, *extra)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Every text in it: `text`, blocks, attachments."""
        return (Piece(self.text, live=True), *pieces([*self.blocks, *self.attachments]))

    @property
    def mentions(self) -> tuple[str, ...]:
        """Its mentions, as written: `@U1`, `!channel`, `!subteam^S1`, `#C1`."""
        return mentions(self.pieces)

    @property
    def disguised_links(self) -> tuple[str, ...]:
        """The addresses of links whose label says something else than the address."""
        return disguised_links(self.pieces)

    @property
    def shown(self) -> str:
        """Everything there is to read in it, line by line."""
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
    private: bool = False
    bot_is_member: bool = True
    archived: bool = False
    im_with: str | None = None
    team_id: str = TEAM_ID
    """Another one in an organisation: the channel is of another workspace."""
    messages: dict[str, Message] = field(default_factory=dict)

    @property
    def kind(self) -> ChannelKind:
        if self.im_with is not None:
            return ChannelKind.DIRECT
        return ChannelKind.PRIVATE if self.private else ChannelKind.PUBLIC

    def thread(self, ts: str) -> list[Message]:
        """The thread's first message and its replies, in order."""
        found = [one for one in self.messages.values() if ts in {one.ts, one.thread_ts}]
        return sorted(found, key=lambda one: one.ts)


@dataclass(slots=True, kw_only=True)
class View:
    """A modal or a Home page, as one person sees it."""

    id: str
    user: str
    content: Json
    """The view as the bot asked for it: type, title, blocks, private_metadata …"""
    hash: str
    root_id: str = ""
    previous_id: str | None = None

    @property
    def blocks(self) -> list[Json]:
        return list(self.content.get("blocks", ()))

    @property
    def shown(self) -> str:
        """Everything there is to read on it, line by line."""
        return "\n".join(readable(piece.text) for piece in pieces(self.content))


@dataclass(slots=True)
class Trigger:
    """A `trigger_id`: opens a modal once, within seconds of what the person did."""

    user: str
    issued_at: float
    used: bool = False


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """A `response_url`: lets the bot answer one thing a person did, a few times."""

    user: str
    channel: str
    issued_at: float
    message_ts: str | None = None
    uses: int = 0

"""Slack, as the use cases see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from crewgate.domain.audit import Published
from crewgate.domain.caveats import WHOLE, Note
from crewgate.domain.crew import Crew
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Outcome
from crewgate.domain.people import Email, Notify, ReviewerRef, User
from crewgate.domain.rules.rule import Naming
from crewgate.domain.stats import Stats
from crewgate.domain.verdict import Person
from crewgate.usecases.read_models import (
    DeadLetter,
    ExecutionPosting,
    LessonView,
    MessageRef,
    Posting,
    QueuePart,
)

RESPONSE_SENT: Final = "response_sent"
"""The name of an `asyncio.Event` in Bolt's context of a request. It is set once the response has
left: Bolt's `ack()` returns earlier."""

FILE_NOT_SHARED: Final = "file_not_shared"


@dataclass(frozen=True, slots=True)
class Thread:
    """A place for a message; without `ts` the message begins the thread."""

    channel: str | None
    """The channel of the message; None if there is no thread, or none any longer."""
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A message that an earlier try had posted, which is left as it was."""

    at: datetime
    """The time by Slack's clock at which Slack took it."""
    is_quiet: bool
    """It was posted to mention nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Delivered):
    """The message is in Slack; `shown` is the percentage of the output in what was rendered."""

    ref: MessageRef
    found: Found | None = None
    shown: int = WHOLE
    too_long: bool = False
    no_approver: bool = False


About = Posting | ExecutionPosting | DeadLetter | LessonView | QueuePart | Crew | Published | Stats


class Messenger(Protocol):
    """Slack, for messages that must arrive.

    `posted_since`: a try from that moment on may have worked, so the message is looked for before
    it is posted. `plain` leaves out the agent's words.
    """

    async def say(
        self,
        effect: Effect,
        about: About,
        *,
        to: Thread | User,
        occasion: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> Outcome:
        """Post the message of an effect, into a thread or to one person.

        Return Posted; Delivered if there is nothing left to tell; Refused as THREAD_GONE if the
        thread is gone. `occasion` completes the message's key, and is the same in every try.
        """

    async def post_card(
        self,
        posting: Posting,
        *,
        notify: Notify | None,
        channel: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> Outcome:
        """Post a round's card with mentions; without `notify` nobody is mentioned."""

    async def update(
        self, kind: EffectKind, about: About, where: MessageRef, *, plain: bool = False
    ) -> Outcome:
        """Update a message; return Posted, or Refused as MESSAGE_GONE if it was deleted."""

    async def attach(
        self, about: Posting | ExecutionPosting, *, posted_since: datetime | None
    ) -> Outcome: ...

    async def find_file(self, about: Posting | ExecutionPosting) -> Outcome:
        """Look for the uploaded file; Refused as FILE_NOT_SHARED if the thread surely lacks it."""

    async def clear(
        self, thread: MessageRef, about: ExecutionPosting, *, until: datetime
    ) -> Outcome:
        """Delete the bot's files up to `until`, and update the message that the execution ended."""

    async def name_of(self, user: str) -> str | None: ...

    async def react(self, note: Note) -> Outcome: ...

    async def offer(self, note: Note, posting: Posting) -> Outcome: ...

    async def offer_lesson(self, posting: Posting, writer: Person) -> Outcome:
        """Offer the writer, in the thread but only to them, to keep their words as a lesson."""
        ...


@dataclass(frozen=True, slots=True)
class Members:
    """The users that some references stand for.

    `unresolved` are the references about which Slack could not be asked yet.
    """

    users: frozenset[str]
    unresolved: tuple[ReviewerRef, ...] = ()


class Directory(Protocol):
    """The people of Slack: plain methods answer from memory, async methods ask Slack."""

    @property
    def may_message(self) -> bool:
        """False if the app was installed without direct messages."""

    def may_name(self, ref: ReviewerRef) -> bool:
        """Return False if the app was installed without the scope to look `ref` up."""

    def members(self, named: tuple[ReviewerRef, ...]) -> Members:
        """Return the users that these references stand for; `Anyone` adds nobody."""

    def starters(self, said: tuple[User | Email, ...]) -> Members:
        """Return the accounts of starters; unknown addresses need `ask_about` first."""

    def is_in(self, user: str, channel: str, *, guests: bool) -> bool | None:
        """Return True if a person is in a channel; None while memory does not know.

        Unless `guests`, guests and people of other organisations do not count.
        """

    async def ask_about(self, address: Email) -> None:
        """Ask Slack for an address that `starters` does not know; a failure is silent."""

    async def resolve(self, named: tuple[ReviewerRef, ...]) -> None: ...

    def is_gone(self, user: str) -> bool:
        """Return True if memory knows that the account is deactivated."""

    def is_colleague(self, user: str) -> bool | None:
        """Return True for a colleague who is no guest; None if memory does not know."""

    async def look_up_colleague(self, user: str, *, again: bool = False) -> bool | None:
        """Return as `is_colleague`, but ask Slack if memory does not know, or if `again`."""

    async def zone_of(self, user: str) -> ZoneInfo | None:
        """Return a person's time zone, None if unknown; renew what `is_gone` knows of them."""

    async def find_member(self, named: User | Email) -> User | Naming | NotSent:
        """Return this colleague's account, or why none exists; NotSent: ask again later."""

    async def look_up(self, user: str, channel: str, *, guests: bool) -> None: ...

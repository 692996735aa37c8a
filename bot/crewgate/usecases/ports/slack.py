"""Slack, as the use cases see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from crewgate.domain.audit import Published
from crewgate.domain.caveats import WHOLE, Note
from crewgate.domain.crew import Crew
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Outcome
from crewgate.domain.people import Email, Installation, Notify, ReviewerRef, User
from crewgate.domain.rules.rule import Naming
from crewgate.domain.stats import Stats
from crewgate.usecases.read_models import DeadLetter, ExecutionPosting, MessageRef, Posting

RESPONSE_SENT: Final = "response_sent"
"""The name of an `asyncio.Event` in Bolt's context of a request, set when the response has left:
Bolt's `ack()` returns before."""

FILE_NOT_SHARED: Final = "file_not_shared"


@dataclass(frozen=True, slots=True)
class Thread:
    """A place for a message; without `ts` the message begins the thread."""

    channel: str | None
    """None if the thread is not there (any longer)."""
    ts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Delivered):
    """The message is in Slack; `shown` is how much of the output it shows, in percent."""

    ref: MessageRef
    shown: int = WHOLE
    too_long: bool = False
    """No message could hold the output."""
    no_approver: bool = False
    """Too few people are left who may approve."""


About = Posting | ExecutionPosting | DeadLetter | Crew | Published | Stats
"""The subject of a message, as it is now."""


class Messenger(Protocol):
    """Slack, for messages that must arrive.

    `posted_since` says that an earlier try, since then, may have worked: the message is looked for
    first and not posted twice. `plain` leaves out what the agent wrote.
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

        Return Posted; Delivered if there is nothing to say any longer; Refused as THREAD_GONE if
        the thread is not there. `occasion` tells the message from others of the same kind about
        the same, where the key of the kind has one, and is the same for every try.
        """
        ...

    async def post_card(
        self,
        posting: Posting,
        *,
        notify: Notify | None,
        channel: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> Outcome:
        """Post a round's card, and mention there the people who have to know of it.

        `notify` is None where everybody has been told.
        """
        ...

    async def update(
        self, kind: EffectKind, about: About, where: MessageRef, *, plain: bool = False
    ) -> Outcome:
        """Bring a posted message up to date.

        Return Posted; Refused as MESSAGE_GONE when it was deleted.
        """
        ...

    async def attach(
        self, about: Posting | ExecutionPosting, *, posted_since: datetime | None
    ) -> Outcome:
        """Put the whole output, or the whole result, as a file into the thread."""
        ...

    async def find_file(self, about: Posting | ExecutionPosting) -> Outcome:
        """Look for that file in the thread. Refused as FILE_NOT_SHARED when it is not there.

        Where the bot may not read the thread, it counts as there.
        """
        ...

    async def clear(
        self, thread: MessageRef, about: ExecutionPosting, *, until: datetime
    ) -> Outcome:
        """Delete what was put as files into a thread until then, and show the end as it is now."""
        ...

    async def name_of(self, user: str) -> str | None:
        """Return a person's name; None when Slack cannot be asked."""
        ...

    async def react(self, note: Note) -> Outcome: ...

    async def offer(self, note: Note, posting: Posting) -> Outcome:
        """Offer its author, in private, to send the notes as a revision."""
        ...


class RememberedInstallation(Protocol):
    """The bot's installation in Slack, as Slack last told it: kept across restarts."""

    async def recall(self) -> Installation | None:
        """Return it; None if Slack never told. Raises StoreUnavailable."""
        ...

    async def remember(self, installation: Installation) -> None:
        """Keep it. Raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Members:
    """The users that some references stand for.

    `unresolved` are those that Slack could not be asked about yet.
    """

    users: frozenset[str]
    unresolved: tuple[ReviewerRef, ...] = ()


class Directory(Protocol):
    """The people of Slack: plain methods answer from memory, async ones ask Slack."""

    def members(self, named: tuple[ReviewerRef, ...]) -> Members:
        """Return the users that these stand for; Anyone adds nobody."""
        ...

    def starters(self, said: tuple[User | Email, ...]) -> Members:
        """Return the accounts of starters, each address by `ask_about` where nothing names it."""
        ...

    def is_in(self, user: str, channel: str, *, guests: bool) -> bool | None:
        """Return True if a person is in a channel; None while memory does not tell.

        Unless `guests`, guests and people of other organisations do not count.
        """
        ...

    async def ask_about(self, address: Email) -> None:
        """Ask Slack for the starter with an address that `starters` does not know yet.

        Nothing is learnt if Slack does not answer in time, or at all.
        """
        ...

    async def resolve(self, named: tuple[ReviewerRef, ...]) -> None:
        """Ask Slack for the people that memory does not know, and remember them."""
        ...

    def is_gone(self, user: str) -> bool:
        """Return True for an account that memory knows to be deactivated: nobody acts by it."""
        ...

    def is_colleague(self, user: str) -> bool | None:
        """Return True for a person of the bot's own organisation who is no guest.

        None while memory does not tell.
        """
        ...

    async def look_up_colleague(self, user: str) -> bool | None:
        """Ask Slack what `is_colleague` answers, where memory does not tell; None as there."""
        ...

    async def find_member(self, named: User | Email) -> User | Naming | NotSent:
        """Return the colleague who is named so, or why there is none; NotSent: ask again later."""
        ...

    async def look_up(self, user: str, channel: str, *, guests: bool) -> None:
        """Ask Slack what `is_in` answers, and remember it."""
        ...

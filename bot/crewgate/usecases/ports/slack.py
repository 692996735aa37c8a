"""Slack, as the use cases see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from crewgate.domain.caveats import WHOLE
from crewgate.domain.crew import Crew
from crewgate.domain.notes import Note
from crewgate.domain.notify import Notify
from crewgate.domain.outcome import NotSent, Outcome, Refused, Unknown
from crewgate.domain.people import Email, Installation, ReviewerRef
from crewgate.usecases.read_models import (
    CardView,
    DeadLetter,
    ExecutionPosting,
    MessageRef,
)

RESPONSE_SENT: Final = "response_sent"
"""The name of an `asyncio.Event` in Bolt's context of a request, set when the response has left:
Bolt's `ack()` returns before."""


@dataclass(frozen=True, slots=True)
class Posting:
    """What a Slack message about a round needs: its view and where it goes."""

    view: CardView
    card: MessageRef | None
    channel: str | None
    """Where the round's thread is: the execution's, or one of its own elsewhere. None before the
    thread's first message.
    """
    thread_ts: str | None


@dataclass(frozen=True, slots=True)
class Posted:
    """The message is in Slack; `shown` is how much of the output it shows, in percent."""

    ref: MessageRef
    shown: int = WHOLE
    too_long: bool = False
    """No message could hold the output."""


PostOutcome = Posted | NotSent | Refused | Unknown


class Messenger(Protocol):
    """Slack, for messages that must arrive.

    `posted_since` says that an earlier try, since then, may have worked: the message is looked for
    first and not posted twice. `occasion` tells a message from others of the same kind about the
    same, and is the same for every try.
    """

    async def post_card(
        self,
        posting: Posting,
        *,
        notify: Notify | None,
        channel: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> PostOutcome:
        """Post a round's card, and mention there who has to know of it.

        `notify` is None where everybody has been told. `plain` leaves out what the agent wrote.
        """
        ...

    async def update_card(self, posting: Posting, *, plain: bool = False) -> Outcome:
        """Bring a posted card up to date. Refused as MESSAGE_GONE when it was deleted."""
        ...

    async def attach_output(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """Put the whole output as a file into the thread."""
        ...

    async def post_attach_failed(
        self, posting: Posting, *, posted_since: datetime | None
    ) -> Outcome:
        """Say, in the thread, that the whole output could not be attached."""
        ...

    async def post_refresh_failed(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """Say, in the thread, where a round stands whose card cannot be brought up to date."""
        ...

    async def notify_stuck(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """Tell the reviewer, in the thread, that the decision did not reach the crew."""
        ...

    async def post_reminder(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """Remind, in the thread, those who may decide and have not."""
        ...

    async def remind_privately(
        self, posting: Posting, user: str, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """Remind one person in private."""
        ...

    async def post_escalated(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """Call, in the thread, those who may decide too from now on."""
        ...

    async def post_timed_out(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """Say, in the thread, that nobody decided in time, and what the rule did."""
        ...

    async def call_assigned(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """Mention, in the thread, whom a flow's request names: it was escalated."""
        ...

    async def post_direct_message(
        self, posting: Posting, user: str, *, posted_since: datetime | None, plain: bool = False
    ) -> PostOutcome:
        """Tell one person in private that a round waits. `plain` as for a card."""
        ...

    async def update_direct_message(
        self, posting: Posting, where: MessageRef, *, plain: bool = False
    ) -> Outcome:
        """Bring that message up to date. Refused as MESSAGE_GONE when it was deleted."""
        ...

    async def tell_operator(
        self, crew: Crew, code: str, user: str, *, occasion: str, posted_since: datetime | None
    ) -> PostOutcome:
        """Tell one person in private that the crew's channel refuses posts, and what to do.

        `code` is Slack's. `occasion` names the refusal that it is about.
        """
        ...

    async def name_of(self, user: str) -> str | None:
        """What a person is called; None when Slack cannot be asked."""
        ...

    async def react(self, note: Note) -> Outcome:
        """Acknowledge a note with a reaction."""
        ...

    async def offer(self, note: Note, posting: Posting) -> Outcome:
        """Offer its author, in private, to send the notes as a revision."""
        ...

    async def report(
        self, dead_letter: DeadLetter, *, channel: str, posted_since: datetime | None
    ) -> PostOutcome:
        """Report, in a crew's channel, a webhook that could not be understood."""
        ...

    async def update_report(self, dead_letter: DeadLetter, where: MessageRef) -> Outcome:
        """Bring that report up to date. Refused as MESSAGE_GONE when it was deleted."""
        ...

    async def post_progress(
        self, posting: ExecutionPosting, *, channel: str, posted_since: datetime | None
    ) -> PostOutcome:
        """Post the message that shows how far an execution is."""
        ...

    async def update_progress(self, posting: ExecutionPosting) -> Outcome:
        """Bring that message up to date. Refused as MESSAGE_GONE when it was deleted."""
        ...

    async def post_result(
        self,
        posting: ExecutionPosting,
        *,
        occasion: str,
        channel: str,
        posted_since: datetime | None,
    ) -> PostOutcome:
        """Post how an execution ended, with its result."""
        ...

    async def attach_result(
        self, posting: ExecutionPosting, *, posted_since: datetime | None
    ) -> Outcome:
        """Put the whole result as a file into the thread."""
        ...

    async def post_result_file_failed(
        self,
        posting: ExecutionPosting,
        *,
        occasion: str,
        channel: str,
        posted_since: datetime | None,
    ) -> PostOutcome:
        """Say that the whole result could not be attached."""
        ...

    async def post_forward_failed(
        self,
        posting: ExecutionPosting,
        kind: str,
        *,
        occasion: str,
        channel: str,
        posted_since: datetime | None,
    ) -> PostOutcome:
        """Say that a webhook of this kind (`task`, `step`, `crew`) could not be forwarded."""
        ...


class RememberedInstallation(Protocol):
    """Where in Slack the bot is installed, as Slack last said it: kept across restarts."""

    async def recall(self) -> Installation | None:
        """None when Slack never told. Raises StoreUnavailable."""
        ...

    async def remember(self, installation: Installation) -> None:
        """Raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Members:
    """The users that some references stand for.

    `unresolved` are those that Slack could not be asked about yet.
    """

    users: frozenset[str]
    unresolved: tuple[ReviewerRef, ...] = ()


class Directory(Protocol):
    """Who is who in Slack, answered at once from memory; what is awaited asks Slack."""

    def members(self, named: tuple[ReviewerRef, ...]) -> Members:
        """The users that these stand for; Anyone adds nobody."""
        ...

    def is_in(self, user: str, channel: str, *, guests: bool) -> bool | None:
        """Whether a person is in a channel; None while memory does not tell.

        Unless `guests`, guests and people of other organisations do not count.
        """
        ...

    async def ask_about(self, address: Email) -> None:
        """Ask Slack whom an address stands for, that `members` names nobody for yet.

        Nothing is learnt where Slack does not answer in time, or at all.
        """
        ...

    async def resolve(self, named: tuple[ReviewerRef, ...]) -> bool:
        """Ask Slack for whom these stand, where memory does not tell; whether anybody was found.

        They are remembered from then on.
        """
        ...

    def is_colleague(self, user: str) -> bool | None:
        """Whether this is a person of the bot's own organisation, and no guest.

        None while memory does not tell.
        """
        ...

    async def look_up_colleague(self, user: str) -> bool | None:
        """Ask Slack what `is_colleague` answers, where memory does not tell; None as there."""
        ...

    async def look_up(self, user: str, channel: str, *, guests: bool) -> bool:
        """Ask Slack what `is_in` answers; False when nothing was learnt, in time or at all."""
        ...

"""Messages that must arrive: `usecases.ports.slack.Messenger` on Slack's Web API.

It knows what every feature's messages look like, so it stands above the features.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.crew import Crew
from crewgate.domain.notes import Note
from crewgate.domain.notify import Notify
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from crewgate.domain.people import ReviewerRef, Role, User
from crewgate.domain.redaction import Redactor
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.blockkit.text import clean
from crewgate.slack.client.directory import display_name
from crewgate.slack.client.names import Names
from crewgate.slack.client.posting import Poster
from crewgate.slack.client.web_api import CallFailed, outcome_of
from crewgate.slack.execution_messenger import ExecutionMessenger
from crewgate.slack.notes.messages import render_offer
from crewgate.slack.reviews.calls import (
    below_headline,
    call,
    kept,
    newer,
    nobody_left,
    reaches_somebody,
)
from crewgate.slack.reviews.card import file_name, file_title, render_card, render_card_plain
from crewgate.slack.reviews.direct import render_direct_message
from crewgate.slack.reviews.links import Link
from crewgate.slack.reviews.notice_strings import CHANGES_REFUSED, FILES_REFUSED, NOT_UNDERSTOOD
from crewgate.slack.reviews.notices import (
    render_attach_failed,
    render_channel_refuses,
    render_dead_letter,
    render_escalation,
    render_refresh_failed,
    render_stuck_notice,
)
from crewgate.slack.reviews.people import People
from crewgate.slack.reviews.strings import REVIEWERS_SHOWN
from crewgate.slack.reviews.time_notices import (
    render_escalated,
    render_private_reminder,
    render_reminder,
    render_timed_out,
)
from crewgate.usecases.ports.base import Clock, OffLoop
from crewgate.usecases.ports.slack import Posted, Posting, PostOutcome
from crewgate.usecases.read_models import CardView, DeadLetter, MessageRef

#: The reaction that says a note was taken.
ACKNOWLEDGE_NOTE = "memo"


class SlackMessenger(ExecutionMessenger):
    """Renders messages, and has them posted, updated and found."""

    def __init__(
        self,
        client: AsyncWebClient,
        poster: Poster,
        *,
        clock: Clock,
        off_loop: OffLoop,
        redactors: Mapping[str, Redactor],
        named_in_slack: Callable[[Sequence[ReviewerRef]], Awaitable[tuple[ReviewerRef, ...]]],
        people: People,
        link: Link,
    ) -> None:
        super().__init__(poster, off_loop=off_loop, people=people)
        self._client = client
        self._named_in_slack = named_in_slack
        self._clock = clock
        self._redactors = redactors
        self._link = link
        self._names = Names(client, clock)

    async def post_card(
        self,
        posting: Posting,
        *,
        notify: Notify | None,
        channel: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> PostOutcome:
        """See `Messenger`.

        A card is shown in the channel too, not only in the thread, unless one of its review is
        there already and people are told of this one.
        """
        await self._learn_assigned(posting.view)
        view = await self._people.complete(posting.view)
        message = await self._card(posting, plain=plain)
        if notify is not None:
            message = below_headline(message, call(view, notify))
        later = notify is not None and view.round.number > 1 and reaches_somebody(view, notify)
        return await self._post(
            f"card {posting.view.round.id}",
            message,
            channel=channel,
            thread_ts=posting.thread_ts,
            posted_since=posted_since,
            broadcast=not later,
        )

    async def update_card(self, posting: Posting, *, plain: bool = False) -> Outcome:
        """See `Messenger`."""
        assert posting.card is not None  # noqa: S101  # the caller's to check
        message = await self._card(posting, plain=plain)
        return await outcome_of(self._poster.update(posting.card, message))

    async def attach_output(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """See `Messenger`."""
        assert posting.card is not None  # noqa: S101  # the caller's to check
        return await outcome_of(
            self._poster.upload(
                posting.card,
                name=file_name(posting.view),
                title=file_title(posting.view),
                content=await self._off_loop(clean, posting.view.output.text),
                posted_since=posted_since,
            )
        )

    async def notify_stuck(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        key = f"stuck {posting.view.round.id} {occasion}"
        round_ = posting.view.round
        operators = self._people(round_.review.crew, Role.OPERATOR)
        return await self._notice(
            key, render_stuck_notice(round_, operators), posting, posted_since
        )

    async def post_attach_failed(
        self, posting: Posting, *, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        round_ = posting.view.round
        key = f"attach failed {round_.id}"
        message = self._with_operators(
            render_attach_failed(round_), round_.review.crew, FILES_REFUSED
        )
        return await self._notice(key, message, posting, posted_since)

    async def post_refresh_failed(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        round_ = posting.view.round
        key = f"refresh failed {round_.id} {occasion}"
        message = render_refresh_failed(round_)
        if message is not None:
            message = self._with_operators(message, round_.review.crew, CHANGES_REFUSED)
        return await self._notice(key, message, posting, posted_since)

    async def post_reminder(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        view = await self._people.complete(posting.view)
        message = render_reminder(view, self._people.operators(view))
        key = f"reminder {posting.view.round.id} {occasion}"
        return await self._notice(key, message, posting, posted_since)

    async def remind_privately(
        self, posting: Posting, user: str, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        view = await self._people.complete(posting.view)
        message = render_private_reminder(view, posting.card, link=self._link)
        if message is None:
            return Delivered("nothing to tell any more")
        key = f"reminder {posting.view.round.id} {occasion} {user}"
        outcome = await self._post_direct(key, message, user, posted_since)
        return Delivered() if isinstance(outcome, Posted) else outcome

    async def post_escalated(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """See `Messenger`."""
        round_ = posting.view.round
        before = self._people(replace(round_, escalated_at=None), Role.REVIEWER)
        view = await self._people.complete(posting.view)
        added = [ref for ref in view.reviewers if ref not in before]
        message = render_escalated(view, added, now=self._clock())
        return await self._notice(f"escalated {round_.id}", message, posting, posted_since)

    async def post_timed_out(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """See `Messenger`."""
        key = f"timed out {posting.view.round.id}"
        view = await self._people.complete(posting.view)
        message = render_timed_out(view, self._people.operators(view))
        return await self._notice(key, message, posting, posted_since)

    async def call_assigned(
        self, posting: Posting, *, occasion: str, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        round_ = posting.view.round
        assigned = round_.question.assigned if round_.question is not None else ()
        people = await self._named_in_slack(assigned)
        message = render_escalation(round_, people or self._people(round_, Role.REVIEWER))
        return await self._notice(
            f"escalated request {round_.id} {occasion}", message, posting, posted_since
        )

    async def post_direct_message(
        self, posting: Posting, user: str, *, posted_since: datetime | None, plain: bool = False
    ) -> PostOutcome:
        """See `Messenger`."""
        message = await self._direct_message(posting, plain=plain)
        key = f"direct {posting.view.round.id} {user}"
        return await self._post_direct(key, message, user, posted_since)

    async def update_direct_message(
        self, posting: Posting, where: MessageRef, *, plain: bool = False
    ) -> Outcome:
        """See `Messenger`."""
        message = await self._direct_message(posting, plain=plain)
        return await outcome_of(self._poster.update(where, message))

    async def tell_operator(
        self, crew: Crew, code: str, user: str, *, occasion: str, posted_since: datetime | None
    ) -> PostOutcome:
        """See `Messenger`."""
        message = render_channel_refuses(crew, code)
        key = f"refuses {crew.name} {code} {crew.channel} {user} {occasion}"
        return await self._post_direct(key, message, user, posted_since)

    async def _post_direct(
        self, key: str, message: Message, user: str, posted_since: datetime | None
    ) -> PostOutcome:
        try:
            channel = await self._poster.open_direct(user)
        except CallFailed as error:
            return error.failure
        return await self._post(
            key, message, channel=channel, thread_ts=None, posted_since=posted_since
        )

    async def name_of(self, user: str) -> str | None:
        """See `Messenger`."""
        return await display_name(self._client, user)

    async def react(self, note: Note) -> Outcome:
        """See `Messenger`."""
        return await outcome_of(self._poster.react(note.channel, note.ts, ACKNOWLEDGE_NOTE))

    async def offer(self, note: Note, posting: Posting) -> Outcome:
        """See `Messenger`."""
        return await outcome_of(
            self._poster.post_ephemeral(
                render_offer(posting.view.round),
                channel=note.channel,
                thread_ts=posting.thread_ts,
                user=note.by.id,
            )
        )

    async def report(
        self, dead_letter: DeadLetter, *, channel: str, posted_since: datetime | None
    ) -> PostOutcome:
        """See `Messenger`."""
        message = render_dead_letter(dead_letter, self._redactors[dead_letter.crew])
        return await self._post(
            f"dead letter {dead_letter.id}",
            self._with_operators(message, dead_letter.crew, NOT_UNDERSTOOD),
            channel=channel,
            thread_ts=None,
            posted_since=posted_since,
        )

    async def update_report(self, dead_letter: DeadLetter, where: MessageRef) -> Outcome:
        """See `Messenger`."""
        message = render_dead_letter(dead_letter, self._redactors[dead_letter.crew])
        return await outcome_of(self._poster.update(where, message))

    async def _notice(
        self, key: str, message: Message | None, posting: Posting, posted_since: datetime | None
    ) -> Outcome:
        """Post into a thread; nothing where there is nothing to tell any more."""
        if message is None:
            return Delivered("nothing to tell any more")
        if posting.channel is None:
            return Refused("thread_not_found", "its card is not there", RefusalKind.THREAD_GONE)
        return await outcome_of(
            self._poster.post(
                key,
                message,
                channel=posting.channel,
                thread_ts=posting.thread_ts,
                posted_since=posted_since,
            )
        )

    async def _card(self, posting: Posting, *, plain: bool) -> Message:
        render = render_card_plain if plain else render_card
        view = await self._with_names(posting)
        message = await self._off_loop(render, view, now=self._clock())
        return self._said_below(message, view)

    def _said_below(self, message: Message, view: CardView) -> Message:
        operators = self._people.operators(view)
        below = newer(view, self._link) or kept(view, operators) or nobody_left(view, operators)
        return below_headline(message, below)

    async def _direct_message(self, posting: Posting, *, plain: bool) -> Message:
        view = await self._with_names(posting)
        message = await self._off_loop(
            render_direct_message,
            view,
            posting.card,
            link=self._link,
            now=self._clock(),
            plain=plain,
        )
        return self._said_below(message, view)

    async def _learn_assigned(self, view: CardView) -> None:
        """Whom a flow's request names may be new to this bot, and is to be called by name."""
        rule, question = view.round.rule, view.round.question
        if question is not None and rule is not None:
            decide = rule.reviewers or ()
            await self._named_in_slack([ref for ref in question.assigned if ref in decide])

    async def _with_names(self, posting: Posting) -> CardView:
        view = await self._people.complete(posting.view)
        named = [ref.id for ref in view.reviewers[:REVIEWERS_SHOWN] if isinstance(ref, User)]
        return replace(view, names=tuple((await self._names.of(named)).items()))

"""Notes in a card's thread, including messages that Slack sent no event for."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.errors import Malformed, RoundNotFound, RowUnreadable, StoreUnavailable
from crewgate.domain.outcome import NotSent, Refused
from crewgate.domain.review import Round, State
from crewgate.slack.blockkit.blocks import Message, actions, push_text, section
from crewgate.slack.client.posting import messages_between, ts_of
from crewgate.slack.client.web_api import CallFailed, object_in
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.payloads import Deleted, Edited, Written, parse_message
from crewgate.slack.reviews.buttons import words_button
from crewgate.slack.words.cards import words_label
from crewgate.slack.words.decisions import asker
from crewgate.usecases.notes import NOTES, change_note, delete_note, keep_note
from crewgate.usecases.read_models import NO_RULE_ID, Selection

log = structlog.get_logger(__name__)


def register(app: AsyncApp, context: SlackContext) -> None:
    # Bolt acknowledges an event before its listener runs, so a middleware stores the note.
    app.event("message", middleware=[partial(keep_message, context=context)])(on_message)


async def on_message(ack: AsyncAck) -> None:
    await ack()


async def keep_message(
    event: Body, next_: Callable[[], Awaitable[None]], *, context: SlackContext
) -> None:
    """Store a note before acknowledging: after an error Slack sends the event again."""
    match parse_message(event):
        case Written(ref, by, text):
            await keep_note(ref, by=by, text=text, context=context)
        case Edited(channel, ts, text, edited_ts):
            await change_note(channel, ts, text=text, edited_ts=edited_ts, context=context)
        case Deleted(channel, ts):
            await delete_note(channel, ts, context=context)
        case None:
            pass
    await next_()


def render_offer(round_: Round) -> Message:
    press = f"Press *{words_label(round_)}* to send it to the {asker(round_)}."
    says = f"Noted for the reviewers. {press}"
    return Message(push_text(says.replace("*", "")), [section(says), actions(words_button(round_))])


#: Seconds from one thread's reading to the next: Slack allows some 50 `conversations.replies` a
#: minute (https://docs.slack.dev/apis/web-api/rate-limits); the search for lost posts needs a few.
PAUSE: Final = 1.5
#: Seconds after which all threads are read again, even without a gap in Slack's events.
LONGEST: Final = 86_400
#: Seconds after a failed reading until the thread is tried again, unless Slack names a time.
AGAIN: Final = 30
#: Seconds to read the thread before a form's decision: Slack drops the form after 3 s.
FORM_SECONDS: Final = 1
#: The most tries in a row to read a thread.
TRIES: Final = 10
#: The most waiting rounds whose threads are read; no workspace has as many.
MOST: Final = 50_000
#: The time until a note that Slack does not list counts as deleted: Slack may list a note late.
LISTED: Final = timedelta(minutes=1)


class MissedNotes:
    """Reads the threads of waiting rounds, and stores their notes."""

    def __init__(self, context: SlackContext) -> None:
        self._context = context
        self._reading: set[asyncio.Task[float | None]] = set()
        self._unlisted: set[str] = set()
        """Rounds with stored notes that Slack's list lacks, and may still get."""

    async def run(self) -> None:
        """Read all threads now and after each gap in Slack's events, the newest rounds first."""
        try:
            while True:
                await self._read_all(await self._waiting())
                if self._unlisted:
                    await self._context.sleep(LISTED.total_seconds())
                    await self._read_all(self._unlisted.copy())
                    self._unlisted.clear()
                await self._context.unheard.wait(LONGEST)
        finally:
            # Tasks that still read threads are cancelled: none may use the database once it is
            # closed.
            for task in self._reading:
                task.cancel()
            await asyncio.gather(*self._reading, return_exceptions=True)

    async def before_decision(self, round_id: str) -> None:
        """Read a round's thread before a form decides on it, within a second.

        Slack drops a form that takes longer, so the decision goes on without the thread.
        """
        task = asyncio.create_task(self._try(round_id))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        await asyncio.wait({task}, timeout=FORM_SECONDS)

    async def _read_all(self, round_ids: Iterable[str]) -> None:
        due = deque((round_id, TRIES) for round_id in round_ids)
        while due:
            round_id, tries = due.popleft()
            pause = await self._try(round_id)
            if pause is not None and tries > 1:
                due.append((round_id, tries - 1))  # at the end: other threads come first
            await self._context.sleep(PAUSE if pause is None else pause)

    async def _waiting(self) -> list[str]:
        read, crews = self._context.uow.read, self._context.crews
        while True:
            try:
                rules = await read.rules(crews, since=self._context.clock())
                queues = dict.fromkeys(
                    chain(((name, NO_RULE_ID) for name in crews), (rule.key for rule in rules))
                )
                selection = Selection(queues=tuple(queues), states=(State.WAITING,))
                return [*await read.rounds.first(selection, limit=MOST)][::-1]
            except StoreUnavailable as error:
                log.warning("thread_not_read", why=str(error))
                await self._context.sleep(AGAIN)

    async def _try(self, round_id: str) -> float | None:
        try:
            await self.read(round_id)
        except (RoundNotFound, StoreUnavailable) as error:
            log.warning("thread_not_read", round_id=round_id, why=str(error))
            return AGAIN
        except RowUnreadable:
            return None  # the unreadable row is logged already
        except CallFailed as error:
            log.warning("thread_not_read", round_id=round_id, why=str(error))
            if isinstance(error.failure, Refused):
                return None
            asked = error.failure.retry_after if isinstance(error.failure, NotSent) else None
            return AGAIN if asked is None else asked.total_seconds()
        return None

    async def read(self, round_id: str) -> None:
        """Store the messages written, changed and deleted in the thread of a waiting round.

        Raises CallFailed, RoundNotFound or StoreUnavailable.
        """
        context = self._context
        posting = await context.uow.read.posting(round_id)
        round_, card = posting.view.round, posting.card
        if card is None or round_.state is not State.WAITING:
            return
        notes = await context.uow.read.notes.of_round(round_id, limit=NOTES)
        stored = {note.ts: note for note in notes if note.channel == card.channel}
        since = min(round_.opened_at, datetime.fromtimestamp(float(card.ts), UTC))
        # A stored note that Slack's list lacks counts as deleted, unless it is older than the list:
        # such a note came by a late event, or was written in a former thread of the card.
        listed_since = max(ts_of(since), card.thread_ts)
        unlisted = {ts for ts in stored if ts >= listed_since}
        client = context.identity.client
        async for message in messages_between(client, card.channel, card.thread_ts, since):
            try:
                written = parse_message({**message, "channel": card.channel})
            except Malformed:
                continue  # a message of unknown shape is skipped, not the thread
            if not isinstance(written, Written):
                continue
            ref, text = written.ref, written.text
            unlisted.discard(ref.ts)
            if ref.ts not in stored:
                at = datetime.fromtimestamp(float(ref.ts), UTC)
                if await keep_note(ref, by=written.by, text=text, context=context, at=at):
                    log.info("missed_note_kept")
            elif text != stored[ref.ts].text and (
                edited_ts := object_in(message, "edited").get("ts")
            ):
                edit = {"text": text, "edited_ts": str(edited_ts)}
                await change_note(card.channel, ref.ts, **edit, context=context)
        for ts in unlisted:
            if context.clock() - stored[ts].at > LISTED:
                await delete_note(card.channel, ts, context=context)
            else:
                self._unlisted.add(round_id)

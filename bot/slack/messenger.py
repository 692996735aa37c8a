"""Messages that must arrive: `usecases.ports.Messenger` on Slack's Web API.

Every message carries a key in its metadata, so that one whose answer was lost can be found again
instead of being posted twice. A file carries none and is found by its name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.notes import Note
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.slack import ids
from bot.slack.blockkit.blocks import Message
from bot.slack.client.rate_limit import Rate, RateLimiter
from bot.slack.client.web_api import CallFailed, attempt, call
from bot.slack.notes.messages import render_offer
from bot.slack.reviews.card import file_name, file_title, render_card, render_card_plain
from bot.slack.reviews.notices import render_dead_letter, render_stuck_notice
from bot.usecases.ports.base import Clock
from bot.usecases.ports.slack import Posted, Posting
from bot.usecases.read_models import DeadLetter, MessageRef

log = structlog.get_logger(__name__)

#: Clocks differ; a message is looked for from a little before it can have been posted.
CLOCK_SKEW = timedelta(minutes=2)
PAGE = 200
MAY_NOT_LOOK = frozenset(
    {"channel_not_found", "missing_scope", "not_in_channel", "thread_not_found"}
)
PAGES = 5
#: The reaction that says a note was taken.
ACKNOWLEDGE_NOTE = "memo"


class SlackMessenger:
    """Posts, updates and finds messages."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock, rate: Rate | None = None) -> None:
        self._client = client
        self._clock = clock
        self._pacer = RateLimiter(rate or Rate(), clock=clock)
        self._channel_ids: dict[str, str] = {}
        """Ids of channels that are configured by name, as Slack answered them."""

    async def post_card(
        self, posting: Posting, *, channel: str, posted_since: datetime | None, plain: bool = False
    ) -> Posted | NotSent | Refused | Unknown:
        """See `Messenger`. Later cards are shown in the channel too, not only in the thread."""
        message = self._card(posting, plain=plain)
        try:
            ref = await self._post(
                f"card {posting.view.round.id}",
                message,
                channel=channel,
                thread_ts=posting.thread_ts,
                posted_since=posted_since,
            )
        except CallFailed as error:
            return error.failure
        return Posted(ref, excerpted=message.excerpted)

    async def update_card(self, posting: Posting, *, plain: bool = False) -> Outcome:
        """See `Messenger`."""
        assert posting.card is not None  # noqa: S101  # the caller's to check
        message = self._card(posting, plain=plain)
        try:
            await call(
                self._client,
                "chat.update",
                channel=posting.card.channel,
                ts=posting.card.ts,
                text=message.text,
                blocks=message.blocks,
            )
        except CallFailed as error:
            return error.failure
        return Delivered()

    async def attach_output(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """See `Messenger`."""
        assert posting.card is not None  # noqa: S101  # follows the card in its ordering key
        name = file_name(posting.view)
        try:
            if posted_since is not None and await self._find_file(posting.card, name, posted_since):
                return Delivered()
            await attempt(
                self._client.files_upload_v2(
                    channel=posting.card.channel,
                    thread_ts=posting.card.thread_ts,
                    filename=name,
                    title=file_title(posting.view),
                    content=posting.view.output.text,
                )
            )
        except CallFailed as error:
            return error.failure
        return Delivered()

    async def notify_stuck(self, posting: Posting, *, posted_since: datetime | None) -> Outcome:
        """See `Messenger`."""
        message = render_stuck_notice(posting.view.round)
        if message is None or posting.channel is None:
            return Delivered("nothing to tell any more")
        return await self._notice(
            f"stuck {posting.view.round.id}",
            message,
            channel=posting.channel,
            thread_ts=posting.thread_ts,
            posted_since=posted_since,
        )

    async def name_of(self, user: str) -> str | None:
        """See `Messenger`."""
        try:
            answer = await attempt(self._client.users_info(user=user))
        except CallFailed as error:
            log.info("name_not_found", why=str(error))
            return None
        found = answer.get("user", {})
        profile = found.get("profile", {})
        name = profile.get("display_name") or profile.get("real_name") or found.get("name")
        return str(name) if name else None

    async def react(self, note: Note) -> Outcome:
        """See `Messenger`."""
        try:
            await call(
                self._client,
                "reactions.add",
                channel=note.channel,
                timestamp=note.ts,
                name=ACKNOWLEDGE_NOTE,
            )
        except CallFailed as error:
            return error.failure
        return Delivered()

    async def offer(self, note: Note, posting: Posting) -> Outcome:
        """See `Messenger`."""
        message = render_offer(note.round_id)
        try:
            await call(
                self._client,
                "chat.postEphemeral",
                channel=note.channel,
                thread_ts=posting.thread_ts,
                user=note.by.id,
                text=message.text,
                blocks=message.blocks,
            )
        except CallFailed as error:
            return error.failure
        return Delivered()

    async def report(
        self, dead_letter: DeadLetter, *, channel: str, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        return await self._notice(
            f"letter {dead_letter.id}",
            render_dead_letter(dead_letter),
            channel=channel,
            thread_ts=None,
            posted_since=posted_since,
        )

    def _card(self, posting: Posting, *, plain: bool) -> Message:
        render = render_card_plain if plain else render_card
        return render(posting.view, now=self._clock())

    async def _notice(
        self,
        key: str,
        message: Message,
        *,
        channel: str,
        thread_ts: str | None,
        posted_since: datetime | None,
    ) -> Outcome:
        try:
            await self._post(
                key, message, channel=channel, thread_ts=thread_ts, posted_since=posted_since
            )
        except CallFailed as error:
            return error.failure
        return Delivered()

    async def _post(
        self,
        key: str,
        message: Message,
        *,
        channel: str,
        thread_ts: str | None,
        posted_since: datetime | None,
    ) -> MessageRef:
        """Post a message, unless an earlier try did. Raises CallFailed."""
        channel = self._channel_ids.get(channel, channel)
        if wait := self._pacer.wait(channel, key):
            raise CallFailed(NotSent("waits for its turn in the channel", wait, alone=True))
        if posted_since is not None:
            found = await self._find(key, channel, thread_ts, posted_since)
            if found is not None:
                return MessageRef(channel, found, thread_ts or found)
        in_thread = {"thread_ts": thread_ts, "reply_broadcast": key.startswith("card")}
        try:
            answer = await call(
                self._client,
                "chat.postMessage",
                channel=channel,
                text=message.text,
                blocks=message.blocks,
                metadata={"event_type": ids.METADATA, "event_payload": {"key": key}},
                unfurl_links=False,
                unfurl_media=False,
                **(in_thread if thread_ts else {}),
            )
        except CallFailed as error:
            if isinstance(error.failure, NotSent) and error.failure.retry_after:
                self._pacer.slow_down(channel, error.failure.retry_after)
            raise
        self._channel_ids[channel] = answer["channel"]
        return MessageRef(answer["channel"], answer["ts"], thread_ts or answer["ts"])

    async def _find(
        self, key: str, channel: str, thread_ts: str | None, since: datetime
    ) -> str | None:
        """The `ts` of a message with this key, or None. Raises CallFailed."""
        async for message in self._messages(channel, thread_ts, since):
            if _key(message) == key:
                return str(message["ts"])
        return None

    async def _find_file(self, card: MessageRef, name: str, since: datetime) -> bool:
        async for message in self._messages(card.channel, card.thread_ts, since):
            if any(file.get("name") == name for file in message.get("files") or ()):
                return True
        return False

    async def _messages(
        self, channel: str, thread_ts: str | None, since: datetime
    ) -> AsyncIterator[dict[str, Any]]:
        """What was posted since then. Raises CallFailed, unless looking is not allowed.

        A bot that may post but not look (a channel known by its name only, a missing scope) would
        otherwise never post at all; a card too many is the smaller evil.
        """
        where: dict[str, Any] = (
            {"channel": channel, "ts": thread_ts} if thread_ts else {"channel": channel}
        )
        method = "conversations.replies" if thread_ts else "conversations.history"
        oldest = f"{(since - CLOCK_SKEW).timestamp():.6f}"
        cursor = ""
        for _ in range(PAGES):
            try:
                # These two read their arguments from the query only.
                answer = await attempt(
                    self._client.api_call(
                        method,
                        http_verb="GET",
                        params=where
                        | {
                            "oldest": oldest,
                            "limit": PAGE,
                            "include_all_metadata": 1,
                            "cursor": cursor,
                        },
                    )
                )
            except CallFailed as error:
                if not isinstance(error.failure, Unknown) and error.failure.code in MAY_NOT_LOOK:
                    log.warning("cannot_look", channel=channel, why=error.failure.code)
                    return
                raise
            for message in answer.get("messages", ()):
                yield message
            cursor = answer.get("response_metadata", {}).get("next_cursor") or ""
            if not cursor:
                return


def _key(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != ids.METADATA:
        return None
    key: str | None = metadata.get("event_payload", {}).get("key")
    return key

"""Posting to channels and threads: every message once, within Slack's rate.

A message carries a key in its metadata, so that a post without an answer can be found again. A file
carries no key, and is found by its name.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from os import SEEK_END
from typing import IO, Any, Final

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.outcome import Refused, Unknown
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.client import web_api
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.slack import Found
from crewgate.usecases.read_models import MessageRef

log = structlog.get_logger(__name__)

#: A search begins so much earlier than it has to: the clocks of Slack's servers differ.
CLOCK_SKEW: Final = timedelta(minutes=2)
#: A search reads span after span, each twice as long as the one before, up to LONGEST_SPAN. If a
#: call fails, the next search begins where that call's span began.
FIRST_SPAN: Final = timedelta(minutes=10)
LONGEST_SPAN: Final = timedelta(hours=6)
PAGE: Final = 200
#: The most messages for which the bot knows how far it has searched.
REMEMBERED: Final = 1_000
#: Slack's codes for a channel that this bot may not read, although it may post there.
NOT_READABLE: Final = frozenset(
    {"channel_not_found", "missing_scope", "not_in_channel", "thread_not_found"}
)


class MessageSearch:
    """Searches a channel or a thread. Every call raises CallFailed."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._searched_until: dict[str, datetime] = {}
        """For each key, a time by Slack's clock before which its message surely was not posted."""

    async def since(
        self, key: str, channel: str, thread_ts: str | None, since: datetime
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the messages since `since`; no messages if the bot may not read here.

        `since` is a time of this bot's clock; its age gives Slack's time. A second search with
        the same `key` begins where the first one ended. A bot that may not read may still post (a
        missing scope, or a channel known by its name only): a second card is better than none.
        """
        now = await web_api.time_there(self._client) or self._clock()
        began = now - max(self._clock() - since, timedelta())
        start = max(began, self._searched_until.get(key, began)) - CLOCK_SKEW
        span = FIRST_SPAN
        try:
            while True:
                end = start + span
                # The last span has no end: a message may have been posted since `now` was read.
                latest = end if end < now else None
                async for message in messages_between(
                    self._client, channel, thread_ts, start, latest
                ):
                    yield message
                self._searched_until[key] = min(end, now)
                if len(self._searched_until) > REMEMBERED:
                    self._searched_until.pop(next(iter(self._searched_until)))
                if latest is None:
                    return
                start, span = end, min(2 * span, LONGEST_SPAN)
        except web_api.CallFailed as error:
            if not isinstance(error.failure, Unknown) and error.failure.code in NOT_READABLE:
                log.warning("channel_not_readable", channel=channel, why=error.failure.code)
                return
            raise

    def forget(self, key: str) -> None:
        self._searched_until.pop(key, None)


async def messages_between(
    client: AsyncWebClient,
    channel: str,
    thread_ts: str | None,
    oldest: datetime,
    latest: datetime | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """Yield messages from `oldest` on; of a thread, its first message too. Raises CallFailed.

    A message whose `ts` is no time of Slack's is left out: nothing could be done with it.
    """
    params: dict[str, Any] = {
        "channel": channel,
        "oldest": ts_of(oldest),
        "inclusive": 1,
        "limit": PAGE,
        "include_all_metadata": 1,
    }
    if thread_ts:
        params["ts"] = thread_ts
    if latest is not None:
        params["latest"] = ts_of(latest)
    method = "conversations.replies" if thread_ts else "conversations.history"
    cursor = ""
    while True:
        # Both methods read their arguments only from the query of a GET.
        calling = client.api_call(method, http_verb="GET", params=params | {"cursor": cursor})
        answer = await web_api.attempt(calling, method)
        for message in web_api.list_at(answer, "messages"):
            if isinstance(message, dict) and web_api.has_ts(message):
                yield message
        cursor = web_api.next_cursor(answer)
        if not cursor:
            return


def ts_of(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"


UPLOAD_SECONDS: Final = 60
METADATA: Final = "crewgate"
"""The `event_type` of a message's metadata; its payload is `{"key": …}`.

The payload of a message that mentions nobody has `"quiet": true`, too.
"""

_FILE_GONE: Final = frozenset({"file_deleted", "file_not_found"})


class Poster:
    """Posts, updates and finds messages. Every call raises CallFailed."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock) -> None:
        self._client = client
        self._search = MessageSearch(client, clock=clock)
        self._channel_ids: dict[str, str] = {}
        self._direct_ids: dict[str, str] = {}

    async def post(
        self,
        key: str,
        message: Message,
        *,
        channel: str,
        thread_ts: str | None,
        posted_since: datetime | None,
        broadcast: bool = False,
        is_quiet: bool = False,
    ) -> tuple[MessageRef, Found | None]:
        """Post unless a try since `posted_since` did; `broadcast` shows a reply in the channel.

        Return the message's place, and what is known of it if it was found there. Its metadata
        tells a later search that it `is_quiet`.
        """
        channel = self._channel_ids.get(channel, channel)
        if posted_since is not None:
            found = await self._find(key, channel, thread_ts, posted_since)
            if found is not None:
                ts = web_api.ts_at(found)
                payload = web_api.object_in(web_api.object_in(found, "metadata"), "event_payload")
                at = datetime.fromtimestamp(float(ts), UTC)
                known = Found(at, is_quiet=payload.get("quiet") is True)
                return MessageRef(channel, ts, thread_ts or ts), known
        quiet = {"quiet": True} if is_quiet else {}
        in_thread = {"thread_ts": thread_ts, "reply_broadcast": broadcast}
        answer = await web_api.call(
            self._client,
            "chat.postMessage",
            channel=channel,
            text=message.text,
            blocks=message.blocks,
            metadata={"event_type": METADATA, "event_payload": {"key": key, **quiet}},
            unfurl_links=False,
            unfurl_media=False,
            **(in_thread if thread_ts else {}),
        )
        self._search.forget(key)
        posted_in, ts = web_api.text_at(answer, "channel"), web_api.ts_at(answer)
        self._channel_ids[channel] = posted_in
        return MessageRef(posted_in, ts, thread_ts or ts), None

    async def open_direct(self, user: str) -> str:
        if user not in self._direct_ids:
            answer = await web_api.call(self._client, "conversations.open", users=user)
            self._direct_ids[user] = web_api.text_at(answer, "channel", "id")
        return self._direct_ids[user]

    async def update(self, posted: MessageRef, message: Message) -> None:
        answer = await web_api.call(
            self._client,
            "chat.update",
            channel=posted.channel,
            ts=posted.ts,
            text=message.text,
            blocks=message.blocks,
        )
        # An answer without a `ts` fails the call: nobody knows if Slack changed the message.
        web_api.text_at(answer, "ts")

    async def upload(
        self, thread: MessageRef, *, name: str, title: str, content: str, may_be_there: bool
    ) -> None:
        if may_be_there and await self.has_file(thread, name):
            return
        uploaded = self._client.files_upload_v2(
            channel=thread.channel,
            thread_ts=thread.thread_ts,
            filename=name,
            title=title,
            content=content,
        )
        _ensure_a_file(await web_api.attempt(uploaded))

    async def has_file(self, thread: MessageRef, name: str) -> bool | None:
        start = datetime.fromtimestamp(float(thread.thread_ts), UTC)
        messages = messages_between(self._client, thread.channel, thread.thread_ts, start)
        try:
            async for message in messages:
                if any(file.get("name") == name for file in web_api.objects_in(message, "files")):
                    return True
        except web_api.CallFailed as error:
            if isinstance(error.failure, Refused) and error.failure.code in NOT_READABLE:
                log.warning("channel_not_readable", channel=thread.channel, why=error.failure.code)
                return None
            raise
        return False

    async def clear(
        self, thread: MessageRef, instead: Mapping[str, Message], *, until: datetime
    ) -> None:
        """Delete this bot's files up to `until`; replace messages whose keys begin so."""
        start = datetime.fromtimestamp(float(thread.thread_ts), UTC)
        where = thread.channel, thread.thread_ts
        found = [one async for one in messages_between(self._client, *where, start, until)]
        ours = {one.get("user") for one in found if _key(one)}
        for one in found:
            for file in web_api.objects_in(one, "files") if one.get("user") in ours else ():
                try:
                    await web_api.call(
                        self._client, "files.delete", file=web_api.text_at(file, "id")
                    )
                except web_api.CallFailed as error:
                    if str(error) not in _FILE_GONE:
                        raise
            for key, message in instead.items():
                if (_key(one) or "").startswith(key):
                    await self.update(replace(thread, ts=web_api.ts_at(one)), message)

    async def post_ephemeral(
        self, message: Message, *, channel: str, thread_ts: str | None, user: str
    ) -> None:
        await web_api.call(
            self._client,
            "chat.postEphemeral",
            channel=channel,
            thread_ts=thread_ts,
            user=user,
            text=message.text,
            blocks=message.blocks,
        )

    async def react(self, channel: str, ts: str, emoji: str) -> None:
        await web_api.call(self._client, "reactions.add", channel=channel, timestamp=ts, name=emoji)

    async def _find(
        self, key: str, channel: str, thread_ts: str | None, since: datetime
    ) -> dict[str, Any] | None:
        async for message in self._search.since(key, channel, thread_ts, since):
            if _key(message) == key:
                self._search.forget(key)
                return message
        return None


async def upload_private(client: AsyncWebClient, user: str, file: IO[bytes], *, name: str) -> None:
    """Send a person a file of any size in their messages with this bot. Raises CallFailed."""
    opened = await web_api.call(client, "conversations.open", users=user)
    length = file.seek(0, SEEK_END)
    file.seek(0)
    place = await web_api.attempt(client.files_getUploadURLExternal(filename=name, length=length))
    seconds = aiohttp.ClientTimeout(total=UPLOAD_SECONDS)
    try:
        # The SDK would read the whole file into memory; this session reads it piece by piece.
        async with aiohttp.ClientSession(timeout=seconds, trust_env=True) as session:
            sent = await session.post(web_api.text_at(place, "upload_url"), data=file)
            sent.raise_for_status()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise web_api.CallFailed(
            Unknown(f"the file was not taken: {type(error).__name__}")
        ) from error
    shared = client.files_completeUploadExternal(
        files=[{"id": web_api.text_at(place, "file_id"), "title": name}],
        channel_id=web_api.text_at(opened, "channel", "id"),
    )
    _ensure_a_file(await web_api.attempt(shared))


def _ensure_a_file(answer: dict[str, Any]) -> None:
    """Raise CallFailed, as an unknown outcome, if Slack said ok without a file."""
    files = web_api.objects_in(answer, "files")
    web_api.text_at(files[0] if files else {}, "id")


def _key(message: dict[str, Any]) -> str | None:
    metadata = web_api.object_in(message, "metadata")
    if metadata.get("event_type") != METADATA:
        return None
    key: str | None = web_api.object_in(metadata, "event_payload").get("key")
    return key

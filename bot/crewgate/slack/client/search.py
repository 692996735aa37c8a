"""Looking for what an earlier try may have posted, from the time of that try on.

In a busy channel thousands of messages may have come since. So the time since the try is gone
through in spans, the oldest and shortest first: what is looked for is nearly always in the first.
A search that Slack ends half-way goes on where it was.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.outcome import Unknown
from crewgate.slack.client.answers import list_at, next_cursor
from crewgate.slack.client.web_api import CallFailed, attempt, time_there
from crewgate.usecases.ports.base import Clock

log = structlog.get_logger(__name__)

#: Slack's servers' clocks differ; a message is looked for from a little before it can have been
#: posted.
CLOCK_SKEW: Final = timedelta(minutes=2)
#: Each span of time is twice as long as the one before it, up to a limit: a span is gone through
#: page by page, and begun anew where that was broken off.
FIRST_SPAN: Final = timedelta(minutes=10)
LONGEST_SPAN: Final = timedelta(hours=6)
PAGE: Final = 200
#: Of how many searches it is remembered how far they came.
REMEMBERED: Final = 1_000
#: Slack's answers when this bot may post in a channel but not read it.
NOT_READABLE: Final = frozenset(
    {"channel_not_found", "missing_scope", "not_in_channel", "thread_not_found"}
)


class MessageSearch:
    """Goes through a channel or a thread. Every call raises CallFailed."""

    def __init__(
        self, client: AsyncWebClient, *, clock: Clock, remembered: int = REMEMBERED
    ) -> None:
        self._client = client
        self._clock = clock
        self._remembered = remembered
        self._searched_until: dict[str, datetime] = {}
        """By what is looked for: until when, by Slack's clock, it surely was not posted."""

    async def since(
        self, key: str, channel: str, thread_ts: str | None, since: datetime
    ) -> AsyncIterator[dict[str, Any]]:
        """What was posted since then; nothing where this bot may not read.

        How long ago that is counts, by whatever clock: a message bears the time of Slack's.
        `key` names what is looked for: another search for it leaves out what this one went through.
        A bot that may post but not read (a channel known by its name only, a missing scope) would
        otherwise never post at all; a card too many is the smaller evil.
        """
        now = await time_there(self._client) or self._clock()
        began = now - max(self._clock() - since, timedelta())
        start = max(began, self._searched_until.get(key, began)) - CLOCK_SKEW
        span = FIRST_SPAN
        try:
            while True:
                end = start + span
                # The last span has no end: time goes on.
                latest = end if end < now else None
                async for message in messages_between(
                    self._client, channel, thread_ts, start, latest
                ):
                    yield message
                self._remember(key, min(end, now))
                if latest is None:
                    return
                start, span = end, min(2 * span, LONGEST_SPAN)
        except CallFailed as error:
            if not isinstance(error.failure, Unknown) and error.failure.code in NOT_READABLE:
                log.warning("channel_not_readable", channel=channel, why=error.failure.code)
                return
            raise

    def forget(self, key: str) -> None:
        """It was found or posted."""
        self._searched_until.pop(key, None)

    def _remember(self, key: str, until: datetime) -> None:
        self._searched_until.pop(key, None)
        if len(self._searched_until) >= self._remembered:
            self._searched_until.pop(next(iter(self._searched_until)))
        self._searched_until[key] = until


async def messages_between(
    client: AsyncWebClient,
    channel: str,
    thread_ts: str | None,
    oldest: datetime,
    latest: datetime | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """Yield the messages of that time, in whichever order Slack gives them.

    Those of a thread, with its first message whenever that is of; else those of a channel. Raises
    CallFailed.
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
        # These two read their arguments from the query only.
        calling = client.api_call(method, http_verb="GET", params=params | {"cursor": cursor})
        answer = await attempt(calling, method)
        for message in list_at(answer, "messages"):
            if isinstance(message, dict):
                yield message
        cursor = next_cursor(answer)
        if not cursor:
            return


def ts_of(moment: datetime) -> str:
    """Return the time stamp of a message of that moment; they sort as texts."""
    return f"{moment.timestamp():.6f}"

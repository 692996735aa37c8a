"""Who is in which channel: asked ahead of time, and again where the answer in memory is too old."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.outcome import Refused
from crewgate.slack.client.allowance import Allowance
from crewgate.slack.client.answers import list_at
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.pages import channel_named, pages
from crewgate.slack.client.web_api import CallFailed
from crewgate.usecases.ports.base import Clock

log = structlog.get_logger(__name__)

#: Older answers decide nothing: somebody may have left the channel.
TRUST: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Known:
    users: frozenset[str]
    at: datetime


class ChannelMembers:
    """The members of the crews' channels, which are named by id or `#name`."""

    def __init__(
        self,
        client: AsyncWebClient,
        channels: Iterable[str],
        *,
        identity: Identity,
        clock: Clock,
    ) -> None:
        self._client = client
        self._identity = identity
        self._clock = clock
        self._channels = tuple(dict.fromkeys(channels))
        self._ids: dict[str, str] = {}
        self._known: dict[str, _Known] = {}
        self._allowance = Allowance(clock=clock)
        self._failures: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def failures(self) -> Mapping[str, str]:
        """The channels whose members could not be learnt, and why."""
        return self._failures

    def has(self, user: str, channel: str) -> bool | None:
        """Whether a person is in a channel; None while memory does not tell."""
        known = self._known.get(channel)
        if known is None or self._clock() - known.at > TRUST:
            return None
        return user in known.users

    def of(self, channel: str) -> frozenset[str]:
        """Who was in a channel when Slack was last asked."""
        known = self._known.get(channel)
        return known.users if known else frozenset()

    async def renew_all(self) -> None:
        for channel in self._channels:
            await self.renew(channel)

    async def renew(self, channel: str) -> bool:
        """Ask Slack who is in a channel, as often as is allowed; whether it answered.

        What cannot be asked keeps its last answer, for as long as that is trusted.
        """
        before = self._known.get(channel)
        async with self._locks[channel]:
            if self._known.get(channel) is not before:
                return True  # somebody else has asked meanwhile
            if not self._allowance.take(channel):
                return False
            now = self._clock()
            try:
                users = frozenset(await self._members(channel))
            except CallFailed as error:
                self._ids.pop(channel, None)
                self._fail(channel, error)
                return False
            self._known[channel] = _Known(users, now)
            if self._failures.pop(channel, None) is not None:
                log.info("channel_members_known", channel=channel)
            return True

    def _fail(self, channel: str, error: CallFailed) -> None:
        why = str(error)
        if self._failures.get(channel) != why:
            log.warning("channel_members_not_known", channel=channel, why=why)
        self._failures[channel] = why

    async def _members(self, channel: str) -> list[str]:
        channel_id = await self._id_of(channel)
        found: list[str] = []
        async for page in pages(self._client, "conversations.members", channel=channel_id):
            found += map(str, list_at(page, "members"))
        return found

    async def _id_of(self, channel: str) -> str:
        """A channel's id, looked for among the channels that the bot is in."""
        if not channel.startswith("#"):
            return channel
        if channel not in self._ids:
            team_id = await self._identity.team()
            found = await channel_named(self._client, channel[1:], team_id=team_id)
            if found is None:
                raise CallFailed(Refused("not_in_channel", "the bot is in no channel of this name"))
            self._ids[channel] = found
        return self._ids[channel]

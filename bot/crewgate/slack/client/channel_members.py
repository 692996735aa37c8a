"""Who is in which channel: asked ahead of time, and again where the answer in memory is too old."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from crewgate.domain.outcome import Refused
from crewgate.slack.client.answers import list_at
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.pages import channel_named, pages
from crewgate.slack.client.remembered import Remembered
from crewgate.slack.client.web_api import CallFailed
from crewgate.usecases.ports.base import Clock

log = structlog.get_logger(__name__)

#: Older answers decide nothing: somebody may have left the channel.
TRUST: Final = timedelta(minutes=15)


class ChannelMembers(Remembered[frozenset[str]]):
    """The members of the crews' channels, which are named by id or `#name`."""

    def __init__(
        self,
        client: AsyncWebClient,
        channels: Iterable[str],
        *,
        identity: Identity,
        clock: Clock,
    ) -> None:
        super().__init__(clock=clock, trust=TRUST)
        self._client = client
        self._identity = identity
        self._channels = tuple(dict.fromkeys(channels))
        self._ids: dict[str, str] = {}
        self.failures: dict[str, str] = {}
        """The channels whose members could not be learnt, and why."""

    def has(self, user: str, channel: str) -> bool | None:
        """Whether a person is in a channel; None while memory does not tell."""
        users = self._get(channel)
        return None if users is None else user in users

    def of(self, channel: str) -> frozenset[str]:
        """Who was in a channel when Slack was last asked."""
        known = self._known.get(channel)
        return known.value if known else frozenset()

    async def renew_all(self) -> None:
        for channel in self._channels:
            await self.renew(channel)

    @override
    async def _look_up(self, key: str) -> frozenset[str]:
        try:
            users = frozenset(await self._members(key))
        except CallFailed as error:
            self._ids.pop(key, None)
            why = str(error)
            if self.failures.get(key) != why:
                log.warning("channel_members_not_known", channel=key, why=why)
            self.failures[key] = why
            raise
        if self.failures.pop(key, None) is not None:
            log.info("channel_members_known", channel=key)
        return users

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

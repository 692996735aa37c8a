"""Slack's answers about people and channels, kept in memory: status, members, names, zones."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from crewgate.domain.outcome import Refused
from crewgate.slack.client import web_api
from crewgate.slack.client.identity import Identity
from crewgate.usecases.ports.base import Clock

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: The most calls about one channel or person in a minute; Slack takes 100 calls of each method.
#: https://docs.slack.dev/apis/web-api/rate-limits
A_MINUTE: Final = 10
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CachedAnswer(Generic[T]):
    """An answer, and the time when Slack was asked."""

    value: T
    at: datetime


class Remembered(ABC, Generic[T]):
    """Answers by key; answers older than `trust` decide nothing."""

    def __init__(self, *, clock: Clock, trust: timedelta) -> None:
        self._clock = clock
        self._trust = trust
        self._known: dict[str, CachedAnswer[T]] = {}
        self._called_at: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @abstractmethod
    async def _look_up(self, key: str) -> T:
        """Ask Slack about the channel or person `key`. Raises CallFailed."""

    def _get(self, key: str) -> T | None:
        known = self._known.get(key)
        if known is None or self._clock() - known.at > self._trust:
            return None
        return known.value

    async def renew(self, key: str) -> bool:
        """Ask Slack, at most A_MINUTE times a minute; return True if there is a new answer.

        Without an answer the last answer stays, as long as that answer is trusted.
        """
        before = self._known.get(key)
        async with self._locks[key]:
            if self._known.get(key) is not before:
                return True  # another task asked while this one waited for the lock
            now, calls = self._clock(), self._called_at[key]
            while calls and now - calls[0] >= MINUTE:
                calls.popleft()
            if len(calls) >= A_MINUTE:
                return False
            calls.append(now)
            try:
                self._known[key] = CachedAnswer(await self._look_up(key), now)
            except web_api.CallFailed:
                return False
            return True


#: The time that an answer about a person counts: later the person may have become a guest.
STANDING_TRUST: Final = timedelta(hours=2)
#: The age at which an answer is renewed, before anybody needs it.
STANDING_RENEWED: Final = timedelta(hours=1)
#: The most people that `renew_some` asks about; Slack takes about 100 such calls a minute.
#: https://docs.slack.dev/reference/methods/users.info
STANDING_AT_ONCE: Final = 25
#: The most people whose answers `renew_some` renews; others are asked about when they act.
STANDING_AHEAD: Final = 200
#: The failed calls after which `renew_some` ends: Slack does not answer, or wants fewer calls.
GIVE_UP: Final = 3
#: Slack's own assistant is no colleague, although `users.info` does not call it a bot.
SLACKBOT: Final = "USLACKBOT"
#: Slack's codes for an id that belongs to nobody, or to nobody visible to this bot.
NOBODY: Final = frozenset({"user_not_found", "user_not_visible"})


class Kind(Enum):
    """The status of an account: OTHER is an app, a guest, of another organisation, or nobody's."""

    COLLEAGUE = auto()
    OTHER = auto()
    GONE = auto()
    """A deactivated account."""


class Accounts(Remembered[Kind]):
    """The status of people's accounts."""

    def __init__(self, identity: Identity, *, clock: Clock) -> None:
        super().__init__(clock=clock, trust=STANDING_TRUST)
        self._identity = identity

    def is_own(self, user: str) -> bool | None:
        kind = self._get(user)
        return None if kind is None else kind is Kind.COLLEAGUE

    def is_gone(self, user: str) -> bool:
        return self._get(user) is Kind.GONE

    async def renew_some(self, users: Iterable[str]) -> bool:
        """Ask about some accounts with no answer or an old one; return True if more are left."""
        now = self._clock()
        ahead = ((user, self._known.get(user)) for user in sorted(users)[:STANDING_AHEAD])
        due = [user for user, it in ahead if it is None or now - it.at >= STANDING_RENEWED]
        failures = 0
        for user in due[:STANDING_AT_ONCE]:
            failures += not await self.renew(user)
            if failures == GIVE_UP:
                break
        return len(due) > STANDING_AT_ONCE

    @override
    async def _look_up(self, key: str) -> Kind:
        await self._identity.ask_once()
        try:
            answer = await web_api.attempt(self._identity.client.users_info(user=key))
        except web_api.CallFailed as error:
            if isinstance(error.failure, Refused) and error.failure.code in NOBODY:
                return Kind.OTHER
            raise
        found = web_api.object_in(answer, "user")
        team_id = web_api.text_at(found, "team_id")
        if found.get("deleted"):
            return Kind.GONE
        barred = ("is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        enterprise_id = web_api.object_in(found, "enterprise_user").get("enterprise_id")
        is_own = self._identity.is_own_organisation(team_id, enterprise_id)
        if key == SLACKBOT or not is_own or any(found.get(mark) for mark in barred):
            return Kind.OTHER
        return Kind.COLLEAGUE


#: The time that a channel's list of members counts: later somebody may have left the channel.
MEMBERS_TRUST: Final = timedelta(minutes=15)


class ChannelMembers(Remembered[frozenset[str]]):
    """The members of the crews' channels, which are named by id or `#name`."""

    def __init__(self, identity: Identity, channels: Iterable[str], *, clock: Clock) -> None:
        super().__init__(clock=clock, trust=MEMBERS_TRUST)
        self._identity = identity
        self._channels = tuple(dict.fromkeys(channels))
        self._ids: dict[str, str] = {}
        self.failures: dict[str, str] = {}

    def has(self, user: str, channel: str) -> bool | None:
        users = self._get(channel)
        return None if users is None else user in users

    def of(self, channel: str) -> frozenset[str]:
        known = self._known.get(channel)
        return known.value if known else frozenset()

    async def renew_all(self) -> None:
        for channel in self._channels:
            await self.renew(channel)

    @override
    async def _look_up(self, key: str) -> frozenset[str]:
        try:
            channel = await self._id_of(key)
            members = web_api.pages(self._identity.client, "conversations.members", channel=channel)
            users = frozenset(
                [str(user) async for page in members for user in web_api.list_at(page, "members")]
            )
        except web_api.CallFailed as error:
            self._ids.pop(key, None)
            why = str(error)
            if self.failures.get(key) != why:
                log.warning("channel_members_not_known", channel=key, why=why)
            self.failures[key] = why
            raise
        if self.failures.pop(key, None) is not None:
            log.info("channel_members_known", channel=key)
        return users

    async def _id_of(self, channel: str) -> str:
        if not channel.startswith("#"):
            return channel
        if channel not in self._ids:
            client, team_id = self._identity.client, await self._identity.team()
            found = await web_api.channel_named(client, channel[1:], team_id=team_id)
            if found is None:
                raise web_api.CallFailed(
                    Refused("not_in_channel", "the bot is in no channel of this name")
                )
            self._ids[channel] = found
        return self._ids[channel]


#: The time until a name is asked for again: people seldom change their names.
NAME_KEPT: Final = timedelta(days=1)
#: The time until a name is asked for again, if Slack did not answer.
NAME_ASKED_AGAIN: Final = timedelta(minutes=10)
NAMES_KEPT: Final = 1_000


@dataclass(slots=True)
class Names:
    """Display names by user id; Slack is asked about missing ones."""

    client: AsyncWebClient
    clock: Clock
    _known: dict[str, tuple[str | None, datetime]] = field(default_factory=dict)

    async def of(self, users: Iterable[str]) -> dict[str, str]:
        found = {user: await self._name(user) for user in users}
        return {user: name for user, name in found.items() if name}

    async def _name(self, user: str) -> str | None:
        name, until = self._known.get(user, (None, None))
        if until is not None and self.clock() < until:
            return name
        asked = await display_name(self.client, user)
        if len(self._known) >= NAMES_KEPT:
            self._known.clear()
        # If Slack did not answer, the old name stays: it is better than none.
        self._known[user] = (
            asked or name,
            self.clock() + (NAME_KEPT if asked else NAME_ASKED_AGAIN),
        )
        return asked or name


async def display_name(client: AsyncWebClient, user: str) -> str | None:
    try:
        answer = await web_api.attempt(client.users_info(user=user))
    except web_api.CallFailed as error:
        log.info("name_not_found", why=str(error))
        return None
    found = web_api.object_in(answer, "user")
    profile = web_api.object_in(found, "profile")
    name = profile.get("display_name") or profile.get("real_name") or found.get("name")
    return str(name) if name else None


#: Seconds to wait for a time zone: Slack lets a form be opened only within 3 s of the press.
ZONE_SECONDS: Final = 1


async def time_zone_of(client: AsyncWebClient, user: str) -> ZoneInfo | None:
    """Return a person's zone; None if Slack names none, or none in time.

    https://docs.slack.dev/reference/objects/user-object
    """
    try:
        async with asyncio.timeout(ZONE_SECONDS):
            answer = await web_api.attempt(client.users_info(user=user))
        return ZoneInfo(web_api.text_at(answer, "user", "tz"))
    except TimeoutError:
        why = "no answer in time"
    except web_api.CallFailed as error:
        why = str(error)
    # `ZoneInfo` raises these for an unknown zone, a folder of its database, and a path out of it.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        why = type(error).__name__
    log.info("time_zone_not_found", why=why)
    return None

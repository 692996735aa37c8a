"""Who belongs to the bot's own organisation: neither a guest nor somebody of another one."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from crewgate.domain.outcome import Refused
from crewgate.slack.client.answers import object_in, text_at
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.remembered import Remembered
from crewgate.slack.client.web_api import CallFailed, attempt
from crewgate.usecases.ports.base import Clock

#: Older answers decide nothing: somebody may have become a guest.
TRUST: Final = timedelta(hours=2)
#: When somebody is asked about again, ahead of time.
RENEW: Final = timedelta(hours=1)
#: People asked about in one turn; Slack takes about 100 such calls a minute.
#: https://docs.slack.dev/reference/methods/users.info
AT_ONCE: Final = 25
#: People asked about ahead of time; all others are asked about when they do something.
AHEAD: Final = 200
#: Failures after which the rest waits: Slack is away, or wants to be left alone.
GIVE_UP: Final = 3
#: Slack's own assistant: it is no bot by `users.info`, and in every list of people.
SLACKBOT: Final = "USLACKBOT"
#: Codes by which Slack says that nobody whom this bot may see has the id.
NOBODY: Final = frozenset({"user_not_found", "user_not_visible"})


class Kind(Enum):
    """The standing of a Slack account for this bot."""

    COLLEAGUE = auto()
    """A full member of the bot's own organisation."""
    OTHER = auto()
    """A guest, an app, or somebody of another organisation."""
    GONE = auto()
    """Deactivated: nobody acts by it."""


class People(Remembered[Kind]):
    """The standing of people's accounts."""

    def __init__(self, client: AsyncWebClient, identity: Identity, *, clock: Clock) -> None:
        super().__init__(clock=clock, trust=TRUST)
        self._client = client
        self._identity = identity

    def is_own(self, user: str) -> bool | None:
        """Return True for a full member; None while memory does not tell."""
        kind = self._get(user)
        return None if kind is None else kind is Kind.COLLEAGUE

    def is_gone(self, user: str) -> bool:
        """Return True for an account that is known to be deactivated."""
        return self._get(user) is Kind.GONE

    async def renew_some(self, users: Iterable[str]) -> bool:
        """Ask about some of these who are not known or long known; whether more are left."""
        now = self._clock()
        due = [user for user in sorted(users)[:AHEAD] if self._is_due(user, now)]
        failures = 0
        for user in due[:AT_ONCE]:
            failures += not await self.renew(user)
            if failures == GIVE_UP:
                break
        return len(due) > AT_ONCE

    def _is_due(self, user: str, now: datetime) -> bool:
        known = self._known.get(user)
        return known is None or now - known.at >= RENEW

    @override
    async def _look_up(self, key: str) -> Kind:
        await self._identity.ask_once()
        try:
            answer = await attempt(self._client.users_info(user=key))
        except CallFailed as error:
            if isinstance(error.failure, Refused) and error.failure.code in NOBODY:
                return Kind.OTHER
            raise
        found = object_in(answer, "user")
        team_id = text_at(found, "team_id")
        if found.get("deleted"):
            return Kind.GONE
        barred = ("is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        enterprise_id = object_in(found, "enterprise_user").get("enterprise_id")
        is_own = self._identity.is_own_organisation(team_id, enterprise_id)
        if key == SLACKBOT or not is_own or any(found.get(mark) for mark in barred):
            return Kind.OTHER
        return Kind.COLLEAGUE

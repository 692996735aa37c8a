"""Who is who in Slack: e-mails and user groups, resolved ahead of time.

A click must be answered without asking Slack first, so the answers are kept in memory and renewed
in the background.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.outcome import RefusalKind, Refused
from bot.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from bot.slack.client.answers import list_at, object_in, text_at
from bot.slack.client.web_api import CallFailed, attempt
from bot.usecases.ports.base import Clock
from bot.usecases.ports.slack import Members
from bot.usecases.wakeup import Wakeup

log = structlog.get_logger(__name__)

#: Somebody who leaves a user group may decide for this long after.
RENEW = timedelta(minutes=5)
#: While something could not be resolved, or after somebody was turned away.
RENEW_SOON = timedelta(seconds=20)


class SlackDirectory:
    """`usecases.ports.Directory`, with a loop that keeps it fresh."""

    def __init__(
        self, client: AsyncWebClient, named: Iterable[ReviewerRef], *, clock: Clock
    ) -> None:
        self._client = client
        self._clock = clock
        self._asked = tuple(
            dict.fromkeys(ref for ref in named if isinstance(ref, Email | UserGroup))
        )
        self._known: dict[ReviewerRef, frozenset[str]] = {}
        self._wakeup = Wakeup()
        self._renewed_at: datetime | None = None

    @property
    def unresolved(self) -> tuple[ReviewerRef, ...]:
        """E-mails and groups that Slack has not told about yet."""
        return tuple(ref for ref in self._asked if ref not in self._known)

    def members(self, named: tuple[ReviewerRef, ...]) -> Members:
        """See `Directory`."""
        users: set[str] = set()
        unresolved = []
        for ref in named:
            match ref:
                case User(id):
                    users.add(id)
                case Email() | UserGroup() if ref in self._known:
                    users |= self._known[ref]
                case Email() | UserGroup():
                    unresolved.append(ref)
                case Anyone():
                    pass
        return Members(frozenset(users), tuple(unresolved))

    def wake(self) -> None:
        """Somebody was turned away who may have been added just now: look soon."""
        self._wakeup.set()

    async def run(self) -> None:
        """Keep the answers fresh until cancelled."""
        if not self._asked:
            return
        while True:
            await self.renew()
            wait = RENEW_SOON if self.unresolved else RENEW
            await self._wakeup.wait(wait.total_seconds())

    async def renew(self) -> None:
        """Ask Slack about every e-mail and group, at most every RENEW_SOON.

        What cannot or may not be asked keeps its last answer. Someone who is gone is nobody.
        """
        now = self._clock()
        if self._renewed_at and not self.unresolved and now - self._renewed_at < RENEW_SOON:
            return
        self._renewed_at = now
        for ref in self._asked:
            try:
                self._known[ref] = await self._look_up(ref)
            except CallFailed as error:
                match error.failure:
                    case Refused(kind=RefusalKind.NOT_ALLOWED):
                        log.warning("reviewers_not_resolved", reviewer=str(ref), why=str(error))
                    case Refused(code):
                        log.warning("unknown_reviewer", reviewer=str(ref), why=code)
                        self._known[ref] = frozenset()
                    case failure:
                        log.warning("reviewers_not_resolved", reviewer=str(ref), why=str(failure))
                        return

    async def _look_up(self, ref: Email | UserGroup) -> frozenset[str]:
        match ref:
            case Email(address):
                found = await attempt(self._client.users_lookupByEmail(email=address))
                return frozenset({text_at(found, "user", "id")})
            case UserGroup(id):
                found = await attempt(self._client.usergroups_users_list(usergroup=id))
                return frozenset(map(str, list_at(found, "users")))


async def display_name(client: AsyncWebClient, user: str) -> str | None:
    """What a person is called; None when Slack cannot be asked."""
    try:
        answer = await attempt(client.users_info(user=user))
    except CallFailed as error:
        log.info("name_not_found", why=str(error))
        return None
    found = object_in(answer, "user")
    profile = object_in(found, "profile")
    name = profile.get("display_name") or profile.get("real_name") or found.get("name")
    return str(name) if name else None

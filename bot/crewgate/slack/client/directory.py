"""E-mail addresses, user groups, channels and people of Slack, looked up ahead of time.

A click must be answered without asking Slack first, so answers are kept in memory and renewed in
the background. Other people and channels are looked up on demand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from crewgate.domain.crew import Crew
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.outcome import NotSent, RefusalKind, Refused, Unknown
from crewgate.domain.people import Anyone, Email, EmailOwner, ReviewerRef, Role, User, UserGroup
from crewgate.domain.rules.rule import Naming
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.people import Accounts, ChannelMembers, time_zone_of
from crewgate.slack.client.web_api import NO_SCOPE, CallFailed, attempt, list_at, text_at
from crewgate.usecases.ports.base import Clock, Crews, Wakeup
from crewgate.usecases.ports.slack import Members
from crewgate.usecases.read_models import StoredRule

log = structlog.get_logger(__name__)

#: The interval at which Slack is asked for members: in between, a person who left may decide.
RENEW = timedelta(minutes=5)
#: The longest that Slack's answer about a user group counts; an older answer decides nothing.
TRUST = timedelta(minutes=15)
#: The interval of questions to Slack while an answer is missing, or after a person was refused.
RENEW_SOON = timedelta(seconds=20)
#: Seconds that a press waits for Slack's answers: after 3 s Slack shows that the press failed.
ASK_SECONDS: Final = 2
#: The most addresses and groups that `resolve` asks about: a press or a post waits for the answers.
ASKED_AT_ONCE: Final = 10
_SCOPES: Final[dict[type, str]] = {Email: "users:read.email", UserGroup: "usergroups:read"}
_IN: Final = {Email: "", UserGroup: "in "}
#: Slack's error codes for an e-mail address that belongs to nobody, and for a group that is gone.
NOBODY: Final = frozenset({"users_not_found", "no_such_subteam", "subteam_not_found"})

OwnerOf = Callable[[str, str], Awaitable[EmailOwner]]
"""Returns an address's owner, given the account that Slack names. Raises StoreUnavailable."""


class SlackDirectory:
    """The port `Directory` on Slack's Web API, with a loop that renews its answers."""

    def __init__(
        self,
        identity: Identity,
        named: Iterable[ReviewerRef],
        *,
        owner_of: OwnerOf,
        clock: Clock,
        channels: Iterable[str] = (),
        open_channels: Collection[str] = (),
        once: Iterable[ReviewerRef] = (),
    ) -> None:
        """Members of `open_channels` may decide without being named.

        `once` are references that no settings name: Slack is asked until it answers for each.
        """
        self._client = identity.client
        self._identity = identity
        self._clock = clock
        named = tuple(named)
        self._asked = dict.fromkeys(_foreign(named))
        self._by_id = frozenset(ref.id for ref in named if isinstance(ref, User))
        self._once = dict.fromkeys(ref for ref in _foreign(once) if ref not in self._asked)
        self._owner_of = owner_of
        #: The accounts by address or group, in the order of Slack's answers: `renew` asks again
        #: about the oldest answers first.
        self._known: dict[Email | UserGroup, frozenset[str]] = {}
        self._told_at: dict[Email | UserGroup, datetime] = {}
        self._failures: dict[Email | UserGroup, str] = {}
        self._starters: dict[Email, frozenset[str]] = {}
        """The accounts of starters' addresses, which make nobody a reviewer."""
        self._has_asked = asyncio.Event()
        self._moved: dict[str, str] = {}
        self._channels = ChannelMembers(identity, channels, clock=clock)
        self._open_channels = open_channels
        self._accounts = Accounts(identity, clock=clock)
        self._wakeup = Wakeup()
        self._renewed_at: datetime | None = None
        self.asked = Wakeup()
        """Set after Slack was asked; its answers may have changed."""

    @property
    def unresolved(self) -> tuple[Email | UserGroup, ...]:
        return tuple(ref for ref in (*self._asked, *self._once) if not self._is_known(ref))

    def _is_known(self, ref: Email | UserGroup) -> bool:
        if ref not in self._known or isinstance(ref, Email):
            return ref in self._known
        return self._clock() - self._told_at[ref] <= TRUST

    @property
    def warning(self) -> str | None:
        """The settings' groups and channels whose people Slack does not name.

        Channels count only if their members decide, or if no channel can be read; a missing channel
        is reported at the first post.
        """
        found = [
            f"in {channel}: {why}"
            for channel, why in self._channels.failures.items()
            if channel in self._open_channels or why == NO_SCOPE
        ]
        failed = (ref for ref in self._asked if ref in self._failures and not self._is_known(ref))
        found += [f"{_IN[type(ref)]}{ref}: {self._failures[ref]}" for ref in failed]
        return f"Slack does not say who is {', '.join(found)}" if found else None

    @property
    def may_message(self) -> bool:
        return not self._identity.lacks("im:write")

    def may_name(self, ref: ReviewerRef) -> bool:
        return not self._identity.lacks(_SCOPES.get(type(ref), ""))

    @property
    def moved_warning(self) -> str | None:
        if not self._moved:
            return None
        moved = ", ".join(f"{address} ({account})" for address, account in self._moved.items())
        return f"reviewers' addresses are other accounts' now, which decide nothing: {moved}"

    def members(self, named: tuple[ReviewerRef, ...]) -> Members:
        users: set[str] = set()
        unresolved = []
        for ref in named:
            match ref:
                case User(id):
                    users.add(id)
                case Email() | UserGroup() if self._is_known(ref):
                    users |= self._known[ref]
                case Email() | UserGroup():
                    unresolved.append(ref)
                case Anyone():
                    pass
        return Members(frozenset(users), tuple(unresolved))

    def users(self, named: tuple[ReviewerRef, ...]) -> frozenset[str]:
        return self.members(named).users

    def starters(self, said: tuple[User | Email, ...]) -> Members:
        found = self.members(said)
        users = (self._starters.get(ref, frozenset()) for ref in said if isinstance(ref, Email))
        unresolved = tuple(ref for ref in found.unresolved if ref not in self._starters)
        return Members(found.users.union(*users), unresolved)

    def in_slack(self, named: Iterable[ReviewerRef]) -> tuple[ReviewerRef, ...]:
        """Replace each e-mail address by its account, where the account is known."""
        found: list[ReviewerRef] = []
        for ref in named:
            match ref:
                case Email() if ref in self._known:
                    found += map(User, self._known[ref])
                case _:
                    found.append(ref)
        return tuple(dict.fromkeys(found))

    def is_in(self, user: str, channel: str, *, guests: bool) -> bool | None:
        is_member = self._channels.has(user, channel)
        if guests or is_member is False:
            return is_member
        is_own = self._accounts.is_own(user)
        return False if is_own is False else is_own and is_member

    async def look_up(self, user: str, channel: str, *, guests: bool) -> None:
        asked = [self._channels.renew(channel)]
        if not guests and not self._accounts.is_own(user):
            asked.append(self._accounts.renew(user))
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await asyncio.gather(*asked)
        except TimeoutError:
            log.info("look_up_too_slow", channel=channel)

    async def ask_about(self, address: Email) -> None:
        """Look up the account of a starter's e-mail address, and keep it in memory."""
        if address in self._asked:
            return  # `run` asks about the settings' addresses, and stores the answers
        try:
            async with asyncio.timeout(ASK_SECONDS):
                found = await attempt(self._client.users_lookupByEmail(email=address.address))
            self._starters[address] = frozenset({text_at(found, "user", "id")})
        except TimeoutError:
            log.info("address_not_resolved", why="no answer in time")
        except CallFailed as error:
            log.info("address_not_resolved", why=str(error))
            if isinstance(error.failure, Refused) and error.failure.code in NOBODY | {NO_SCOPE}:
                self._starters[address] = frozenset()

    def is_gone(self, user: str) -> bool:
        return self._accounts.is_gone(user)

    def is_colleague(self, user: str) -> bool | None:
        return self._accounts.is_own(user)

    async def look_up_colleague(self, user: str, *, again: bool = False) -> bool | None:
        if again or self._accounts.is_own(user) is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_SECONDS):
                    await self._accounts.renew(user)
        return self._accounts.is_own(user)

    async def zone_of(self, user: str) -> ZoneInfo | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                await self._accounts.renew(user)
        return await time_zone_of(self._client, user)

    async def find_member(self, named: User | Email) -> User | Naming | NotSent:
        """Return the member that `named` is, or why none; an address keeps its first account."""
        if isinstance(named, Email) and named not in self._known:
            unknown = await self._learn(named)
            if unknown is not None:
                return unknown
        for user in self.members((named,)).users:
            match await self.look_up_colleague(user):
                case None:
                    return NotSent("Slack does not say who a named reviewer is", alone=True)
                case True:
                    return User(user)
        return Naming.NO_MEMBER

    async def _learn(self, named: Email) -> Naming | NotSent | None:
        try:
            self._remember(named, await self._look_up(named))
        except StoreUnavailable as error:
            return NotSent(str(error), alone=True)
        except CallFailed as error:
            match error.failure:
                case Refused(code):
                    return Naming.NO_MEMBER if code in NOBODY else Naming.NOT_TOLD
                case Unknown(why) | NotSent(why):
                    return NotSent(why, alone=True)
        return None

    def wake(self) -> None:
        """Look up soon: a person was refused who may have been added just now."""
        self._wakeup.set()

    async def run(self) -> None:
        while True:
            await self.renew()
            self._has_asked.set()
            self.asked.set()
            await self._channels.renew_all()
            members = map(self._channels.of, self._open_channels)
            more = await self._accounts.renew_some(self._by_id.union(*members))
            soon = more or self.unresolved or self._moved or self._channels.failures
            await self._wakeup.wait((RENEW_SOON if soon else RENEW).total_seconds())

    async def wait_until_asked(self) -> None:
        """Wait up to ASK_SECONDS for the first answers: a post mentions only known people."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                await self._identity.has_answered.wait()
                await self._has_asked.wait()

    async def renew(self) -> None:
        """Ask Slack about every e-mail and group; about known ones at most every RENEW_SOON.

        Slack answers about 50 addresses a minute, so unknown and old addresses come first. Without
        an answer the last answer stays. A deactivated account is nobody's.
        """
        now, asked = self._clock(), self.unresolved
        if self._renewed_at is None or now - self._renewed_at >= RENEW_SOON:
            self._renewed_at = now
            known = (ref for ref in self._known if ref in self._asked)
            asked = tuple(dict.fromkeys((*asked, *known)))
        for ref in asked:
            if not await self._renew(ref):
                return  # Slack takes no calls now, so calls about the others would fail as well

    async def resolve(self, named: Iterable[ReviewerRef]) -> None:
        doubtful = (ref for ref in _foreign(named) if not self.members((ref,)).users)
        asked = [*doubtful][:ASKED_AT_ONCE]
        new = (ref for ref in asked if isinstance(ref, Email) and ref not in self._asked)
        self._once |= dict.fromkeys(new)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                for ref in asked:
                    await self._renew(ref)
        except TimeoutError:
            log.info("look_up_too_slow", reviewers=len(asked))

    async def _renew(self, ref: Email | UserGroup) -> bool:
        if not self.may_name(ref):
            self._failures[ref] = NO_SCOPE
            return True
        try:
            self._remember(ref, await self._look_up(ref))
        except StoreUnavailable as error:
            log.warning("reviewers_not_resolved", reviewer=str(ref), why=str(error))
        except CallFailed as error:
            match error.failure:
                case Refused(code) if code in NOBODY:
                    log.warning("unknown_reviewer", reviewer=str(ref), why=code)
                    self._remember(ref, frozenset())
                case Refused(kind=RefusalKind.OFF):
                    self._failures[ref] = NO_SCOPE
                case failure:
                    if isinstance(ref, UserGroup):
                        self._failures[ref] = str(error)
                    log.warning("reviewers_not_resolved", reviewer=str(ref), why=str(error))
                    return not isinstance(failure, NotSent)
        return True

    def _remember(self, ref: Email | UserGroup, users: frozenset[str]) -> None:
        self._known.pop(ref, None)
        self._known[ref], self._told_at[ref] = users, self._clock()

    async def _look_up(self, ref: Email | UserGroup) -> frozenset[str]:
        match ref:
            case Email(address):
                found = await attempt(self._client.users_lookupByEmail(email=address))
                owner = await self._owner_of(address, text_at(found, "user", "id"))
                if owner.moved_to is None:
                    self._moved.pop(owner.address, None)
                elif self._moved.get(owner.address) != owner.moved_to:
                    self._moved[owner.address] = owner.moved_to
                    log.warning(
                        "reviewer_address_moved",
                        reviewer=owner.address,
                        known=owner.user,
                        now=owner.moved_to,
                    )
                return frozenset({owner.user})
            case UserGroup(id):
                team_id = await self._identity.team()
                asking = self._client.usergroups_users_list(usergroup=id, team_id=team_id)
                found = await attempt(asking)
                return frozenset(map(str, list_at(found, "users")))


def _foreign(named: Iterable[ReviewerRef]) -> Iterator[Email | UserGroup]:
    return (ref for ref in named if isinstance(ref, Email | UserGroup))


def new_directory(
    identity: Identity,
    crews: Crews,
    *,
    rules: Iterable[StoredRule],
    owner_of: OwnerOf,
    clock: Clock,
) -> SlackDirectory:
    """Return a directory of the people and channels of `crews`, and of their rules.

    `rules` are those of earlier rounds: people whom only these name are looked up, too.
    """
    settings = [*crews.values()]
    settings += (crew.under(rule, escalated=True) for crew in crews.values() for rule in crew.rules)
    earlier = (
        crews[one.crew].under(one.rule, escalated=True) for one in rules if one.crew in crews
    )
    looked_up = (*settings, *earlier)
    in_settings = frozenset(_people_of(settings))
    others = frozenset(_people_of(looked_up)) - in_settings
    once = frozenset(ref for ref in others if isinstance(ref, Email))
    return SlackDirectory(
        identity,
        in_settings | (others - once),
        once=once,
        owner_of=owner_of,
        clock=clock,
        channels=(crew.channel for crew in looked_up),
        open_channels=frozenset(
            crew.channel
            for crew in looked_up
            for role in (Role.REVIEWER, Role.STARTER)
            if Anyone() in crew.permitted(role)
        ),
    )


def _people_of(crews: Iterable[Crew]) -> Iterator[ReviewerRef]:
    return (ref for crew in crews for role in Role for ref in crew.permitted(role))

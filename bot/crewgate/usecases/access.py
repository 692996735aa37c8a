"""The permissions of people: the only place that decides who may do what, and where.

A permission is found in memory and the database, so a transaction may ask for it. `NeedsLookup`
says that Slack has to be asked first; `ReviewContext.asking` asks and begins anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, Final, TypeVar, assert_never

from crewgate.domain import errors
from crewgate.domain.crew import Crew
from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, Role, User, UserGroup
from crewgate.domain.review import Review, Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import NO_RULE, Rule
from crewgate.domain.verdict import Person, Vote, count_votes, voices_of
from crewgate.usecases.ports.base import Clock, Crews, NewId, OffLoop
from crewgate.usecases.ports.slack import Directory
from crewgate.usecases.ports.store import Queries, Tx, UnitOfWork
from crewgate.usecases.read_models import NO_RULE_ID, QueueKey, StoredRule

Scope = str | Review | Round | StoredRule
"""The scope of a permission. For a crew's name or a review the crew's own settings decide; for a
round, or the rounds under a stored rule, that rule does."""

_REFUSALS: Final[Mapping[Role, type[errors.NotPermitted]]] = {
    Role.REVIEWER: errors.NotAReviewer,
    Role.STARTER: errors.NotAStarter,
    Role.OPERATOR: errors.NotAnOperator,
    Role.READER: errors.NotAReader,
}
DELEGATED: Final = (Role.REVIEWER, Role.READER)
"""The roles that a delegate takes over from a reviewer."""


class NeedsLookup(Exception):  # no CrewgateError: no person is told of it
    """A permission depends on an answer that only Slack has.

    Slack is never asked in a transaction: leave the transaction, ask Slack, and begin anew.
    """

    def __init__(self, about: Hashable, ask: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self.about = about
        self.ask = ask


def crew_for(scope: Scope, crews: Crews) -> Crew:
    """Return the crew with the scope's channel and people. Raises UnknownCrew."""
    rule, escalated = NO_RULE, False
    match scope:
        case str(name) | Review(crew=name):
            pass
        case Round(review=Review(crew=name), rule=rule):
            escalated = scope.escalated_at is not None
        case StoredRule(crew=name, rule=rule, escalated=escalated):
            pass
        case _:
            assert_never(scope)
    if name not in crews:
        raise errors.UnknownCrew(name)
    return crews[name].under(rule, escalated=escalated)


def notify_for(scope: Scope, crews: Crews, directory: Directory) -> Notify:
    """Return how to notify a scope's reviewers; mentions replace DMs that the app may not send."""
    notify = crew_for(scope, crews).notify
    return Notify.MENTION if notify is Notify.DM and not directory.may_message else notify


def has_people(named: tuple[ReviewerRef, ...], directory: Directory) -> bool | None:
    """Return False if Slack says that nobody is left of a list; None while it does not say."""
    members = directory.members(named)
    if Anyone() in named or any(not directory.is_gone(user) for user in members.users):
        return True
    return None if members.unresolved else False


def nobody_of(crew: Crew, rule: Rule, directory: Directory) -> tuple[ReviewerRef, ...]:
    """Return all of the lists of people of a crew's rule of which nobody is left."""
    lists = (one for one in crew.people_under(rule) if has_people(one, directory) is False)
    return tuple(dict.fromkeys(chain.from_iterable(lists)))


def delegates_of(
    users: frozenset[str], absences: Iterable[Absence], at: datetime
) -> frozenset[str]:
    return frozenset(one.delegate.id for one in absences if one.away.id in users and one.holds(at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The permissions at one moment, by the settings, the absences and Slack's answers."""

    crews: Crews
    directory: Directory
    read: Queries
    at: datetime
    asked: frozenset[Hashable] = frozenset()
    recheck: bool = True
    """Ask Slack even if memory has an answer: somebody may have joined the channel just now."""

    async def rights_of(
        self, user: str, role: Role, scope: Scope, tx: Tx | None = None
    ) -> tuple[Person | None, ...]:
        """Return the people by whose right a person has a role; None is their own right.

        The others are reviewers of the round who are away, made this person their delegate, and may
        decide by their own right. So a delegate cannot delegate further. The rule must allow
        delegation, and the delegate must still be a colleague. If groups must approve, a person may
        have both rights: their own group may be complete. Absences are read in the transaction, if
        given.

        Raises an error of `_REFUSALS`, UnknownCrew, or NeedsLookup.
        """
        refused = self.refusal(user, role, scope)
        if refused is None and not (isinstance(scope, Round) and scope.rule.approvals_from):
            return (None,)
        away: tuple[Person, ...] = ()
        uncertain = False
        if role in DELEGATED and isinstance(scope, Round) and scope.rule.delegation:
            away, uncertain = await self._delegated_to(user, scope, tx)
        if refused is None:
            return (None, *away)
        if away:
            return away
        is_doubtful = (self.recheck or refused.uncertain) and user not in self.asked
        refused.uncertain |= uncertain
        if is_doubtful:
            raise NeedsLookup(user, partial(self.look_up, user, role, [refused]))
        raise refused

    def groups_of(
        self, user: str, round_: Round, before: Collection[UserGroup] = ()
    ) -> tuple[UserGroup, ...]:
        """Return the groups of the round's rule that a person's approval may count for.

        A person in none of the groups decides because the rule has escalated, and counts for any
        group. A group of `before` counts if Slack has no answer.
        """
        groups = tuple(group for group, _ in round_.rule.approvals_from)
        unresolved = self.directory.members(groups).unresolved
        if unresolved and groups not in self.asked:
            raise NeedsLookup(groups, partial(self.directory.resolve, unresolved))
        found = tuple(
            group
            for group in groups
            if user in self.directory.members((group,)).users
            or (group in unresolved and group in before)
        )
        if found or (unresolved and before):
            return found
        escalated = crew_for(round_, self.crews).permitted(Role.REVIEWER)
        if unresolved and User(user) not in escalated:
            raise errors.GroupsUnresolved
        return groups

    def refusal(self, user: str, role: Role, scope: Scope) -> errors.NotPermitted | None:
        """Return the error that refuses a person a role by their own right; None if they have it.

        If anyone in the channel has the role, the person must be a member of the crew's channel: in
        a public channel, others can click too. Guests and people of other organisations must be
        named, except to read. Raises UnknownCrew.
        """
        crew = crew_for(scope, self.crews)
        permitted = crew.permitted(role)
        members = self.directory.members(permitted)
        if user in members.users:
            return None
        channel = crew.channel if Anyone() in permitted else None
        guests = role is Role.READER
        is_in = channel is not None and self.directory.is_in(user, channel, guests=guests)
        if is_in:
            return None
        uncertain = bool(members.unresolved) or is_in is None
        rule = scope.rule.name if isinstance(scope, Round) else ""
        return _REFUSALS[role](
            crew.name, permitted, uncertain=uncertain, channel=channel, rule=rule
        )

    def standing(
        self, by: Person, rights: Iterable[Person | None], round_: Round
    ) -> dict[str, Any]:
        """Return for the audit trail who may decide, and the settings that name these people."""
        permitted = crew_for(round_, self.crews).permitted(Role.REVIEWER)

        def names(user: str) -> list[str]:
            members = self.directory.members
            return [
                str(ref) for ref in permitted if ref == Anyone() or user in members((ref,)).users
            ]

        people = [right or by for right in rights]
        return {
            "permitted": [*map(str, permitted)],
            "named": {one.id: names(one.id) for one in people},
        }

    def drop_lapsed_votes(self, round_: Round) -> tuple[Round, tuple[Vote, ...]]:
        """Return the round without votes of people who may no longer decide, and those votes.

        A delegate's approval counts, even after the absent person is back, while that person may
        decide, the delegate is a colleague, and the rule allows delegation. Without an answer of
        Slack an approval counts. If groups must approve, each counts for a present group of its
        person.
        """
        lapsed = [
            vote
            for vote in round_.votes
            if self._decides(vote.right.id, round_) is False
            or (vote.on_behalf_of is not None and not self._may_be_delegate(vote.by.id, round_))
        ]
        for vote in lapsed:
            round_ = round_.take_back(vote.by.id).round
        if round_.rule.approvals_from:
            now = [
                replace(vote, groups=self.groups_of(vote.right.id, round_, vote.groups))
                for vote in round_.votes
            ]
            counted = count_votes(round_.rule.approvals_from, now)
            voters = {vote.by for vote in counted}
            lapsed += [vote for vote in round_.votes if vote.by not in voters]
            round_ = replace(round_, votes=counted)
        return round_, tuple(lapsed)

    async def look_up(self, user: str, role: Role, refusals: Iterable[errors.NotPermitted]) -> None:
        doubtful = [one for one in refusals if self.recheck or one.uncertain]
        channels = dict.fromkeys(one.channel for one in doubtful if one.channel is not None)
        guests = role is Role.READER
        asking = [self.directory.look_up(user, channel, guests=guests) for channel in channels]
        if self.recheck:
            named = chain.from_iterable(one.permitted for one in doubtful if one.uncertain)
            unresolved = self.directory.members(tuple(dict.fromkeys(named))).unresolved
            asking.append(self.directory.resolve(unresolved))
        await asyncio.gather(*asking)

    async def _delegated_to(
        self, user: str, round_: Round, tx: Tx | None
    ) -> tuple[tuple[Person, ...], bool]:
        """Return the absent people whose right a person has, and True if Slack may name more."""
        absences = (self.read if tx is None else tx).absences
        decides = {
            absence.away: self._decides(absence.away.id, round_)
            for absence in await absences.find(at=self.at, delegate=user)
        }
        found = tuple(away for away, may_decide in decides.items() if may_decide)
        is_colleague = bool(found) and self._is_colleague(user)
        uncertain = None in (is_colleague, *decides.values())
        return (found if is_colleague else ()), uncertain

    def _may_be_delegate(self, user: str, round_: Round) -> bool:
        """Return False if the rule forbids delegation, or the delegate is surely no colleague."""
        return round_.rule.delegation and self._is_colleague(user) is not False

    def _is_colleague(self, user: str) -> bool | None:
        """Return True if a person can be a delegate; None if Slack has no answer.

        Slack is asked at each decision: memory does not know of a new guest for up to two hours.
        """
        is_colleague = self.directory.is_colleague(user)
        about = ("colleague", user)
        if about not in self.asked and (self.recheck or is_colleague is None):
            look_up = partial(self.directory.look_up_colleague, user, again=self.recheck)
            raise NeedsLookup(about, look_up)
        return is_colleague

    def _decides(self, user: str, round_: Round) -> bool | None:
        """Return True if a person may decide by their own right; None if Slack has no answer."""
        if self.directory.is_gone(user):
            return False
        refused = self.refusal(user, Role.REVIEWER, round_)
        if refused is None:
            return True
        if not refused.uncertain:
            return False
        if user not in self.asked:
            raise NeedsLookup(user, partial(self.look_up, user, Role.REVIEWER, [refused]))
        return None


#: The longest time after an unanswered kickoff in which its execution may turn up.
UNCLEAR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Starter:
    """The ids of the accounts that may have started an execution."""

    users: frozenset[str]
    others: tuple[ReviewerRef, ...] = ()
    certain: bool = True
    """False: the starter is unknown; these accounts have unanswered kickoffs of about that time."""


async def starter_of(round_: Round, tx: Tx, access: Access) -> Starter | None:
    """Return the starter of a round's execution; None if unknown, or if they may approve.

    Raises NeedsLookup about an address, then StarterUnresolved if Slack did not answer.
    """
    if round_.rule.self_approval:
        return None
    if (author := round_.subject.author) is not None:
        return author_of(author, round_, access)
    review = round_.review
    execution = await tx.executions.find(review.crew, review.execution_id)
    assert execution is not None, "each round has an execution"
    if users := frozenset[str]().union(*(_users(one, access) for one in execution.starters)):
        permitted = crew_for(round_, access.crews).permitted(Role.REVIEWER)
        return Starter(users, tuple(ref for ref in permitted if str(ref) not in users))
    began = execution.began_at
    unclear = await tx.executions.unclear_kickoffs(review.crew, since=began - UNCLEAR, until=began)
    starters = dict.fromkeys(one.starter for one in unclear if one.starter is not None)
    users = frozenset().union(*(_users(one, access) for one in starters))
    return Starter(users, certain=False) if users else None


def author_of(author: Person, ballot: Round, access: Access) -> Starter:
    """Return a lesson's author as a starter, so that one rule holds for starters and authors."""
    permitted = crew_for(ballot, access.crews).permitted(Role.REVIEWER)
    others = tuple(ref for ref in permitted if str(ref) != author.id)
    return Starter(frozenset((author.id,)), others)


def _users(said: User | Email, access: Access) -> frozenset[str]:
    members = access.directory.starters((said,))
    if isinstance(said, Email) and members.unresolved:
        if said in access.asked:
            raise errors.StarterUnresolved
        raise NeedsLookup(said, partial(access.directory.ask_about, said))
    return members.users


def drop_votes_of(starter: Starter | None, round_: Round) -> Round:
    for user in starter.users if starter is not None else ():
        if user in voices_of(round_.votes):
            round_ = round_.take_back(user).round
    return round_


def require_other(vote: Vote, starter: Starter | None, round_: Round) -> None:
    rule = round_.rule
    if rule.self_approval:
        return
    if not rule.unknown_starter and (starter is None or not starter.certain):
        raise errors.UnknownStarter
    if starter is not None and vote.voices & starter.users:
        if round_.subject.author is not None:
            raise errors.OwnLesson(starter.others, is_drawn=True)
        own = vote.by.id in starter.users
        is_flow = round_.subject.takes_answers
        refused = errors.SelfApproval(starter.others, own=own, is_flow=is_flow)
        raise refused if starter.certain else errors.PerhapsSelfApproval


T = TypeVar("T")
#: A rule counts as in use for this time after the last decision under it: more than a day, because
#: lists show the decisions of a day.
LISTED: Final = timedelta(days=2)
K = TypeVar("K", str, QueueKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContext:
    """The parts that use cases of people need; the app builds them once."""

    uow: UnitOfWork
    crews: Crews
    directory: Directory
    clock: Clock
    new_id: NewId
    off_loop: OffLoop

    async def asking(self, work: Callable[[Access], Awaitable[T]], *, recheck: bool = True) -> T:
        """Do work with the present permissions; if it needs a lookup, ask Slack and do it again.

        Work must undo its changes when it raises, as a transaction does.
        """
        asked: frozenset[Hashable] = frozenset()
        while True:
            try:
                return await work(self._access(asked, recheck=recheck))
            except NeedsLookup as needed:
                asked |= {needed.about}
                # `work` begins anew even if Slack's answer changes nothing: another request may
                # have stored the same answer meanwhile.
                await needed.ask()

    def _access(self, asked: frozenset[Hashable] = frozenset(), *, recheck: bool) -> Access:
        return Access(
            crews=self.crews,
            directory=self.directory,
            read=self.uow.read,
            at=self.clock(),
            asked=asked,
            recheck=recheck,
        )

    async def ensure(self, user: str, role: Role, scope: Scope, *, recheck: bool = True) -> None:
        """Raise NotPermitted or UnknownCrew unless a person has a role; asks Slack if needed."""
        await self.asking(lambda access: access.rights_of(user, role, scope), recheck=recheck)

    async def may(self, user: str, role: Role, scope: Scope) -> bool:
        """Return True if a person has a role; False also if the crew is gone or Slack is silent."""
        try:
            await self.ensure(user, role, scope, recheck=False)
        except (errors.NotPermitted, errors.UnknownCrew):
            return False
        return True

    async def ensure_reviewer_or_operator(self, user: str, scope: Scope) -> None:
        if not await self.may(user, Role.OPERATOR, scope):
            await self.ensure(user, Role.REVIEWER, scope)

    async def readable(self, user: str, rounds: Iterable[Round]) -> frozenset[str]:
        alike: dict[object, list[Round]] = {}
        for one in rounds:
            alike.setdefault((one.rule, one.escalated_at is None), []).append(one)
        found = [some for some in alike.values() if await self.may(user, Role.READER, some[0])]
        return frozenset(one.id for some in found for one in some)

    async def crews_of(self, user: str, role: Role) -> tuple[str, ...]:
        crews = {name: name for name in self.crews}
        return tuple(await self._permitted(user, role, crews, recheck=True))

    async def queues_of(
        self, user: str, *roles: Role, recheck: bool, rules: Iterable[StoredRule] | None = None
    ) -> list[tuple[QueueKey, ...]]:
        """Return for each role the queues in which a person has that role, also as a delegate."""
        rules = await self.rules_in_use() if rules is None else tuple(rules)
        delegated = await self._delegated_to(user, rules)
        found = []
        for role in roles:
            recheck_role = recheck and role is not Role.OPERATOR
            own = await self._own_queues(user, role, rules, recheck=recheck_role)
            theirs = delegated if role in DELEGATED else []
            found.append(tuple(dict.fromkeys((*own, *theirs))))
        return found

    async def rules_in_use(self) -> tuple[StoredRule, ...]:
        since = self.clock() - LISTED
        return await self.uow.read.rules(self.crews, since=since)

    async def _delegated_to(self, user: str, rules: Iterable[StoredRule]) -> list[QueueKey]:
        absences = await self.uow.read.absences.find(at=self.clock(), delegate=user)
        if not absences or not await self.directory.look_up_colleague(user):
            return []
        rules = [rule for rule in rules if rule.rule.delegation]
        found: list[QueueKey] = []
        for absence in absences:
            found += await self._own_queues(absence.away.id, Role.REVIEWER, rules, recheck=False)
        return found

    async def _own_queues(
        self, user: str, role: Role, rules: Iterable[StoredRule], *, recheck: bool
    ) -> tuple[QueueKey, ...]:
        scopes: dict[QueueKey, Scope] = {(name, NO_RULE_ID): name for name in self.crews}
        scopes |= {rule.key: rule for rule in rules if rule.crew in self.crews}
        # Queues with equal people and channel are checked once.
        alike: dict[tuple[object, ...], list[QueueKey]] = {}
        for key, scope in scopes.items():
            crew = crew_for(scope, self.crews)
            permitted = crew.permitted(role)
            channel = crew.channel if Anyone() in permitted else None
            alike.setdefault((permitted, channel), []).append(key)
        first = {keys[0]: scopes[keys[0]] for keys in alike.values()}
        found = await self._permitted(user, role, first, recheck=recheck)
        allowed = {key for keys in alike.values() if keys[0] in found for key in keys}
        return tuple(key for key in scopes if key in allowed)

    async def _permitted(
        self, user: str, role: Role, scopes: Mapping[K, Scope], *, recheck: bool
    ) -> list[K]:
        """Return the keys of the scopes for which a person has a role; asks Slack once."""
        access = self._access(recheck=recheck)
        found = {key: access.refusal(user, role, one) for key, one in scopes.items()}
        refused = {key: one for key, one in found.items() if one is not None}
        await access.look_up(user, role, refused.values())
        found |= {key: access.refusal(user, role, scopes[key]) for key in refused}
        return [key for key, one in found.items() if one is None]

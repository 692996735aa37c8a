"""Permissions: the only place that decides who may do what.

Answers come at once, from memory and the database, so a transaction may ask for them. Where Slack
has to be asked first, `NeedsLookup` says so; `ReviewContext.asking` asks and begins anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Final, assert_never

from crewgate.domain.crew import Crew
from crewgate.domain.errors import (
    GroupsUnresolved,
    NotAnOperator,
    NotAReader,
    NotAReviewer,
    NotAStarter,
    NotPermitted,
    UnknownCrew,
)
from crewgate.domain.people import Anyone, Role, User, UserGroup
from crewgate.domain.review import Review, Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import count_votes
from crewgate.domain.verdict import Person, Vote
from crewgate.usecases.ports.base import Crews
from crewgate.usecases.ports.slack import Directory
from crewgate.usecases.ports.store import Queries, Tx
from crewgate.usecases.read_models import StoredRule

Subject = str | Review | Round | StoredRule
"""The subject of a permission: a crew, by name, or one of its reviews, by the crew's own settings;
a round, or the rounds under a rule, by that rule.
"""

_REFUSALS: Final[Mapping[Role, type[NotPermitted]]] = {
    Role.REVIEWER: NotAReviewer,
    Role.STARTER: NotAStarter,
    Role.OPERATOR: NotAnOperator,
    Role.READER: NotAReader,
}
DELEGATED: Final = (Role.REVIEWER, Role.READER)
"""The roles that a reviewer's delegate has too."""


class NeedsLookup(Exception):  # never shown to anybody
    """Slack has to be asked about something before there is an answer.

    Slack is never asked in a transaction: leave it, ask, and begin anew.
    """

    def __init__(self, about: Hashable, ask: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self.about = about
        self.ask = ask


def crew_for(subject: Subject, crews: Crews) -> Crew:
    """Return the crew with the channel, people and ways that hold for a subject.

    Raises UnknownCrew when the settings name no such crew.
    """
    match subject:
        case str():
            return _named(subject, crews)
        case Review(crew=name):
            return _named(name, crews)
        case Round(review=review, rule=rule):
            return _named(review.crew, crews).under(
                rule, escalated=subject.escalated_at is not None
            )
        case StoredRule(crew=name, rule=rule):
            return _named(name, crews).under(rule, escalated=subject.escalated)
        case _:
            assert_never(subject)


def _named(name: str, crews: Crews) -> Crew:
    crew = crews.get(name)
    if crew is None:
        raise UnknownCrew(name)
    return crew


def delegates_of(
    users: frozenset[str], absences: Iterable[Absence], at: datetime
) -> frozenset[str]:
    return frozenset(one.delegate.id for one in absences if one.away.id in users and one.holds(at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The permissions at one moment, by the settings, the absences and what Slack has told."""

    crews: Crews
    directory: Directory
    read: Queries
    at: datetime
    asked: frozenset[Hashable] = frozenset()
    """The people and addresses about which Slack was asked for this answer."""
    recheck: bool = True
    """Slack is asked even where memory is certain: somebody may have joined the channel just now.
    """

    async def rights_of(
        self, user: str, role: Role, subject: Subject, tx: Tx | None = None
    ) -> tuple[Person | None, ...]:
        """Return the people by whose right a person has a role; None is their own right.

        Otherwise they are the reviewers of a round who are away, made this person their delegate
        and may decide by their own right, unless the round's rule forbids it or the delegate is no
        longer a colleague. So a delegate cannot delegate further. Where groups must approve, they
        may have both: their own group may have enough approvals. Absences are read in the
        transaction, if given.

        Raises what `_REFUSALS` says, UnknownCrew, or NeedsLookup.
        """
        refused = self.refusal(user, role, subject)
        if refused is None and not (isinstance(subject, Round) and subject.approvals_from):
            return (None,)
        away: tuple[Person, ...] = ()
        uncertain = False
        if role in DELEGATED and isinstance(subject, Round) and subject.may_be_delegated:
            away, uncertain = await self._delegated_to(user, subject, tx)
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
        """Return the groups of the round's rule for which a person's approval may count.

        Somebody who is in none of them decides because the rule has escalated, and counts for any.
        A group of `before` counts where even Slack does not tell. Raises NeedsLookup, and
        GroupsUnresolved where it cannot be told without Slack that a new approval counts.
        """
        groups = tuple(group for group, _ in round_.approvals_from)
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
            raise GroupsUnresolved
        return groups

    def refusal(self, user: str, role: Role, subject: Subject) -> NotPermitted | None:
        """Return the error that refuses a person a role by their own right; None if they have it.

        Where anyone in the channel has the role, only membership of the crew's channel counts,
        wherever the person clicked: in a public channel people click who are not in it. Guests and
        people of other organisations must be named, except to read what they see in the channel
        anyway. Raises UnknownCrew.
        """
        crew = crew_for(subject, self.crews)
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
        rule = subject.rule.name if isinstance(subject, Round) and subject.rule else ""
        return _REFUSALS[role](
            crew.name, permitted, uncertain=uncertain, channel=channel, rule=rule
        )

    def standing(
        self, by: Person, rights: Iterable[Person | None], round_: Round
    ) -> dict[str, Any]:
        """Return for the audit trail who may decide, and as which of them a person does.

        `rights` are the people by whose right; None is their own.
        """
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
        """Return the round without approvals of people who may no longer decide, and those votes.

        A delegate's approval counts while the absent person, who may be back, may decide, the
        delegate is a colleague, and the rule lets people decide for others. Where even Slack does
        not tell, an approval counts. Where groups must approve, each counts for a group that the
        person is in now.
        Raises NeedsLookup or UnknownCrew.
        """
        lapsed = [
            vote
            for vote in round_.votes
            if self._decides(vote.right.id, round_) is False
            or (vote.on_behalf_of is not None and not self._may_be_delegate(vote.by.id, round_))
        ]
        for vote in lapsed:
            round_ = round_.take_back(vote.by.id).round
        if round_.approvals_from:
            now = [
                replace(vote, groups=self.groups_of(vote.right.id, round_, vote.groups))
                for vote in round_.votes
            ]
            counted = count_votes(round_.approvals_from, now)
            voters = {vote.by for vote in counted}
            lapsed += [vote for vote in round_.votes if vote.by not in voters]
            round_ = replace(round_, votes=counted)
        return round_, tuple(lapsed)

    async def look_up(self, user: str, role: Role, refusals: Iterable[NotPermitted]) -> None:
        """Ask Slack once about all that may have refused a person wrongly."""
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
        """Return the absent people for whom a person may decide; True: perhaps for others too."""
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
        """Return False only where that is certain; a comment may have changed the rule."""
        return round_.may_be_delegated and self._is_colleague(user) is not False

    def _is_colleague(self, user: str) -> bool | None:
        """Return True if a person can be a delegate; None where even Slack does not tell."""
        is_colleague = self.directory.is_colleague(user)
        about = ("colleague", user)
        if is_colleague is None and about not in self.asked:
            raise NeedsLookup(about, partial(self.directory.look_up_colleague, user))
        return is_colleague

    def _decides(self, user: str, round_: Round) -> bool | None:
        """Return True if a person may decide by their own right; None where Slack does not tell."""
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

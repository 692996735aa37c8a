"""The people of a round: who may decide, and who is left that may approve."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from crewgate.domain.errors import UnknownCrew
from crewgate.domain.execution import Execution
from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, Role, User, UserGroup
from crewgate.domain.review import Review, Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import NO_RULE, Rule, most_approvals
from crewgate.slack.client.directory import SlackDirectory
from crewgate.slack.words.names import why
from crewgate.usecases.access import Scope, crew_for, has_people, nobody_of, notify_for
from crewgate.usecases.ports.base import Clock, Crews
from crewgate.usecases.read_models import Approvers, CardView, Queue, RoundFacts, RoundLine
from crewgate.usecases.waiting import counts


@dataclass(frozen=True, slots=True)
class People:
    """The people in each role, by the settings, the round's rule, Slack and absences."""

    crews: Crews
    directory: SlackDirectory
    clock: Clock

    def __call__(self, scope: Scope, role: Role) -> tuple[ReviewerRef, ...]:
        """Return the people with a role; accounts replace e-mail addresses that Slack knows."""
        try:
            crew = crew_for(scope, self.crews)
        except UnknownCrew:
            return ()
        return self.directory.in_slack(crew.permitted(role))

    def run_url(self, of: Review | Execution) -> str:
        crew = self.crews.get(of.crew)
        task = of.task_id if isinstance(of, Review) else ""
        return "" if crew is None else crew.run_link(of.execution_id, task)

    def notify(self, round_: Round) -> Notify | None:
        try:
            return notify_for(round_, self.crews, self.directory)
        except UnknownCrew:
            return None

    def operators(self, view: CardView) -> tuple[ReviewerRef, ...]:
        return self(view.round.review.crew, Role.OPERATOR)

    def why(self, view: CardView, user: str) -> tuple[str, ...]:
        return why(view.round, user, view.reviewers, self.directory.users, view.absences)

    def known(self, starter: User | Email | None) -> User | Email | None:
        if starter is None:
            return None
        found = self.directory.starters((starter,)).users
        return User(min(found)) if found else starter

    async def complete(self, view: CardView, user: str | None = None) -> CardView:
        """Return the view with its deciders, the absences that matter, and the approvers left.

        `user` is the only person who sees the view: `approvers` tells if this person may approve.
        """
        round_ = view.round
        reviewers, away = self(round_, Role.REVIEWER), self._away(view)
        later = _later(round_.rule)
        is_empty = has_people(later, self.directory) is False
        view = replace(
            view,
            reviewers=reviewers,
            escalates_to=() if is_empty else self.directory.in_slack(later),
            absences=away,
            run_url=self.run_url(round_.review),
        )
        return replace(view, approvers=await self.approvers(view, user, away))

    async def in_queue(self, found: Queue, user: str, away: Iterable[Absence]) -> Queue:
        """Return a page of this person's queue with the approvers of the rounds that wait."""

        async def limited(lines: Iterable[RoundLine]) -> tuple[RoundLine, ...]:
            return tuple(
                [replace(one, approvers=await self.approvers(one, user, away)) for one in lines]
            )

        mine, nobody = await limited(found.mine.lines), await limited(found.nobody.lines)
        return replace(
            found,
            mine=replace(found.mine, lines=mine),
            nobody=replace(found.nobody, lines=nobody),
            kept=await limited(found.kept),
        )

    def _away(self, view: CardView) -> tuple[Absence, ...]:
        round_, now = view.round, self.clock()
        if round_.state is not State.WAITING or not round_.rule.delegation or not view.absences:
            return ()
        asked = self(round_, Role.REVIEWER)
        if round_.rule.approvals_from:
            asked = round_.not_voted(asked)
        users = self.directory.members(asked).users
        return tuple(
            one
            for one in view.absences
            if one.away.id in users
            and one.holds(now)
            and self.directory.is_colleague(one.delegate.id) is not False
        )

    async def approvers(
        self, facts: RoundFacts, user: str | None, away: Iterable[Absence]
    ) -> Approvers | None:
        """Return the limits on a waiting round's approvers; None without a rule or reviewers.

        `away` are all absences, or only those in which this person stands in for others.
        """
        round_, rule = facts.round, facts.round.rule
        reviewers, empty = self(round_, Role.REVIEWER), self._empty(round_)
        if round_.state is not State.WAITING or not (reviewers or empty):
            return None
        if rule == NO_RULE:
            return Approvers(too_few=True, empty=empty) if empty else None
        starter = Approvers() if rule.self_approval else await self._starter(facts)
        starter = replace(starter, empty=empty)
        barred = frozenset(map(str, starter.starters))
        now = crew_for(round_, self.crews).permitted(Role.REVIEWER)
        if user is not None and not counts(
            round_,
            user,
            starters=barred,
            permitted=now,
            away=[one for one in away if one.delegate.id == user],
            directory=self.directory,
        ):
            starter = replace(starter, in_vain=frozenset((user,)))
        unknown = not (starter.starters or starter.not_told or rule.self_approval)
        if unknown and not rule.unknown_starter:
            return replace(starter, too_few=True)
        members = self.directory.members((*now, *_later(rule)))
        if members.unresolved or Anyone() in reviewers:
            return starter
        gone = frozenset(filter(self.directory.is_gone, members.users))
        left = most_approvals(rule, members.users - barred - gone, self._members)
        return replace(starter, too_few=left < rule.approvals)

    def _empty(self, round_: Round) -> tuple[ReviewerRef, ...]:
        crew = self.crews.get(round_.review.crew)
        empty = () if crew is None else nobody_of(crew, round_.rule, self.directory)
        return round_.not_voted(empty)

    def _members(self, group: UserGroup) -> frozenset[str]:
        return self.directory.members((group,)).users

    async def _starter(self, facts: RoundFacts) -> Approvers:
        if (author := facts.round.subject.author) is not None:
            return Approvers((User(author.id),))
        for name in facts.started_by:
            if isinstance(name, Email) and self.directory.starters((name,)).unresolved:
                await self.directory.ask_about(name)
        members = self.directory.starters(facts.started_by)
        if members.unresolved:
            return Approvers(not_told=True)
        return Approvers(tuple(map(User, sorted(members.users))))


def _later(rule: Rule) -> tuple[ReviewerRef, ...]:
    return () if rule.escalate is None else rule.escalate.to

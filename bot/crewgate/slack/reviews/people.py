"""The people of a round: who may decide, and who is left that may approve."""

from dataclasses import dataclass, replace

from crewgate.domain.errors import UnknownCrew
from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, Role, User, UserGroup
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import Rule, most_approvals
from crewgate.slack.client.directory import SlackDirectory
from crewgate.slack.words.names import why
from crewgate.usecases.access import Scope, crew_for, notify_for
from crewgate.usecases.ports.base import Clock, Crews
from crewgate.usecases.read_models import Approvers, CardView


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

    async def complete(self, view: CardView) -> CardView:
        """Return the view with its deciders, the absences that matter, and the approvers left."""
        round_ = view.round
        rule = round_.rule
        view = replace(
            view,
            reviewers=self(round_, Role.REVIEWER),
            escalates_to=self.directory.in_slack(_later(rule)),
            absences=self._away(view),
        )
        if rule is None or round_.state is not State.WAITING or not view.reviewers:
            return view
        return replace(view, approvers=await self._approvers(view, rule))

    def _away(self, view: CardView) -> tuple[Absence, ...]:
        round_, now = view.round, self.clock()
        if round_.state is not State.WAITING or not round_.may_be_delegated or not view.absences:
            return ()
        asked = self(round_, Role.REVIEWER)
        if round_.approvals_from:
            asked = round_.not_voted(asked)
        users = self.directory.members(asked).users
        return tuple(
            one
            for one in view.absences
            if one.away.id in users
            and one.holds(now)
            and self.directory.is_colleague(one.delegate.id) is not False
        )

    async def _approvers(self, view: CardView, rule: Rule) -> Approvers:
        starter = Approvers() if rule.self_approval else await self._starter(view)
        now = crew_for(view.round, self.crews).permitted(Role.REVIEWER)
        members = self.directory.members((*now, *_later(view.round.rule)))
        if members.unresolved or Anyone() in view.reviewers:
            return starter
        barred = {*map(str, starter.starters), *filter(self.directory.is_gone, members.users)}
        unknown = starter == Approvers() and not rule.self_approval
        nobody = unknown and not rule.unknown_starter
        left = 0 if nobody else most_approvals(rule, members.users - barred, self._members)
        return replace(starter, too_few=left < rule.approvals)

    def _members(self, group: UserGroup) -> frozenset[str]:
        return self.directory.members((group,)).users

    async def _starter(self, view: CardView) -> Approvers:
        if (author := view.round.subject.author) is not None:
            return Approvers((User(author.id),))
        for said in view.started_by:
            if isinstance(said, Email) and self.directory.starters((said,)).unresolved:
                await self.directory.ask_about(said)
        members = self.directory.starters(view.started_by)
        if members.unresolved:
            return Approvers(not_told=True)
        return Approvers(tuple(map(User, sorted(members.users))))


def _later(rule: Rule | None) -> tuple[ReviewerRef, ...]:
    return () if rule is None or rule.escalate is None else rule.escalate.to

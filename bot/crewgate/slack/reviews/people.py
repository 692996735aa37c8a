"""The people of a round: who may decide, who is left, and who is mentioned.

Only a section of a new message surely notifies. An updated card keeps its mention until somebody
approves, so that nothing moves under a finger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from crewgate.domain.errors import UnknownCrew
from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, Role, User, UserGroup
from crewgate.domain.reason import needs_an_operator
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import Rule, most_approvals
from crewgate.domain.verdict import Decision, Person
from crewgate.slack import phrases
from crewgate.slack.blockkit.blocks import Message, present, section
from crewgate.slack.client.directory import SlackDirectory
from crewgate.slack.reviews import strings
from crewgate.slack.strings import Link, linked, number, person, reviewer, some, why
from crewgate.usecases.access import Subject, crew_for, notify_for
from crewgate.usecases.ports.base import Clock, Crews
from crewgate.usecases.read_models import Approvers, CardView


@dataclass(frozen=True, slots=True)
class People:
    """The people in each role, by the settings, the round's rule, Slack and absences."""

    crews: Crews
    directory: SlackDirectory
    clock: Clock

    def __call__(self, subject: Subject, role: Role) -> tuple[ReviewerRef, ...]:
        """Return the people with a role; accounts replace e-mail addresses that Slack knows."""
        try:
            crew = crew_for(subject, self.crews)
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
        for said in view.started_by:
            if isinstance(said, Email) and self.directory.starters((said,)).unresolved:
                await self.directory.ask_about(said)
        members = self.directory.starters(view.started_by)
        if members.unresolved:
            return Approvers(not_told=True)
        return Approvers(tuple(map(User, sorted(members.users))))


def _later(rule: Rule | None) -> tuple[ReviewerRef, ...]:
    return () if rule is None or rule.escalate is None else rule.escalate.to


#: The most mentions of a message and the most private messages; a user group counts once.
CALLED: Final = 50
#: The remedies for operators.
FILES_REFUSED: Final = (
    "allow files in this workspace, or install the app again with the scopes of the manifest."
)
CHANGES_REFUSED: Final = "let apps change their messages, in the workspace's settings."
NOBODY_DECIDES: Final = "nobody decides on this. Find somebody who does, or let more people decide."
FORWARD_REFUSED: Final = "look at that address, and in the bot's log for `not_delivered`."


def called(people: Sequence[ReviewerRef], away: Sequence[Absence] = ()) -> str:
    """Return mentions, with delegates of absent people: `@Legal and @Ben for @Ana`.

    A delegate who may decide in any case is named once. Empty without people.
    """
    mentions = [reviewer(ref) for ref in people]
    mentions += [
        f"{person(one.delegate)} for {person(one.away)}"
        for one in away
        if User(one.delegate.id) not in people
    ]
    return some(mentions, CALLED)


def please_decide(mentions: str) -> str:
    return f"{mentions}: please decide."


def below_headline(message: Message, line: str | None) -> Message:
    if line is None:
        return message
    headline, *others = message.blocks
    return replace(message, blocks=[headline, section(line), *others])


def call(view: CardView, notify: Notify) -> str | None:
    """Mention the deciders, and tell the author of a revision that there is a new output."""
    if view.round.state is not State.WAITING:
        return None
    asked = view.round.not_voted(view.reviewers) if notify is Notify.MENTION else ()
    author = _asked_for_changes(view)
    others = [ref for ref in asked if author is None or ref != User(author.id)]
    may, barred = _apart(others, view)
    mentions = called(mentionable(may), view.absences if may else ())
    revise = "" if mentions else called(mentionable(barred))
    lines = present(
        f"{person(author)}, here is {number(view.round)}." if author is not None else None,
        please_decide(mentions) if mentions else None,
        f"{revise} may only revise." if revise else None,
        "Anybody in the channel may decide." if Anyone() in asked else None,
    )
    return " ".join(lines) or None


def _apart(
    people: Sequence[ReviewerRef], view: CardView
) -> tuple[Sequence[ReviewerRef], Sequence[ReviewerRef]]:
    approvers = view.approvers
    if approvers is None or (approvers.too_few and view.round.approvals == 1):
        return (people, ()) if approvers is None else ((), people)
    barred = [ref for ref in people if ref in approvers.starters]
    return [ref for ref in people if ref not in barred], barred


def not_voted(view: CardView) -> tuple[ReviewerRef, ...]:
    """Return the people to remind, without a starter who may not approve."""
    left = view.round.not_voted(view.reviewers)
    may, _ = _apart(left, view)
    return tuple(may) or left


def calls_all(view: CardView, notify: Notify | None) -> bool:
    return notify is Notify.MENTION and not any(isinstance(ref, Email) for ref in view.reviewers)


def reaches_somebody(view: CardView, notify: Notify) -> bool:
    return notify is not Notify.NONE and bool(mentionable(view.reviewers))


def mentionable(named: Sequence[ReviewerRef]) -> tuple[ReviewerRef, ...]:
    return tuple(ref for ref in named if not isinstance(ref, Email | Anyone))


def kept(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    round_ = view.round
    if round_.state is not State.STUCK or round_.decision is None:
        return None
    if not needs_an_operator(round_.reason):
        return None
    return decision_is_kept(round_.decision, mentionable(operators))


def decision_is_kept(
    decision: Decision, operators: Sequence[ReviewerRef], *, to_decider: bool = False
) -> str:
    """Tell that a decision is stored, although the crew did not get it."""
    if not isinstance(decision.by, Person):
        what = f"What {phrases.decider(decision)} decided"
    else:
        whose = "Your" if to_decider else phrases.whose(decision, "")
        what = f"{whose} {phrases.noun(decision)}"
    told = "The person who runs this bot has to fix what is wrong."
    if operators:
        told = f"{called(operators)} {'has' if len(operators) == 1 else 'have'} been told."
    return f"{what} is kept. {told}"


def nobody_left(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    """Tell operators on a card that too few people are left who may approve."""
    if view.approvers is None or not view.approvers.too_few:
        return None
    rule = view.round.rule
    assert rule is not None, "a round without a rule needs no count"
    few = "Nobody" if rule.approvals == 1 else "Too few people"
    people = mentionable(operators)
    add = f"{called(people)}: add" if people else "Add"
    return (
        f":exclamation: *{few} may approve this.* {add} reviewers to {phrases.rule_name(rule.name)}"
        " and restart the bot. The new rule counts from the next round on: let a reviewer press "
        "Revise for one."
    )


def with_operators(message: Message, operators: Sequence[ReviewerRef], what: str) -> Message:
    people = mentionable(operators)
    if not people:
        return message
    return replace(message, blocks=[*message.blocks, section(f"{called(people)}: {what}")])


def newer(view: CardView, link: Link, *, is_told: bool = False) -> str | None:
    if view.newer is None:
        return None
    latest = view.newer.round
    if is_told:
        is_changed = latest.is_call and latest.edited_by is not None
        name = "the changed call" if is_changed else number(latest)
        return linked(f"Open {name}", view.newer.card, link)
    where = linked(number(latest), view.newer.card, link)
    if latest.edited_by is not None:
        did = "wrote" if not latest.is_call else "changed the arguments in"
        return f"{person(latest.edited_by)} {did} {where}."
    return f"The {phrases.asker(view.round.question)} came back with {where}."


def _asked_for_changes(view: CardView) -> Person | None:
    answers = None if view.round.edited_by else view.answers
    decision = answers.decision if answers is not None else None
    if decision is None or strings.asked_for(decision) is None:
        return None
    return decision.by if isinstance(decision.by, Person) else None

"""The people a message calls, and what a card says only once or only in the channel.

A mention surely notifies only in a section of a new message. A card that is brought up to date
keeps it until somebody approves, so that nothing moves under a finger.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, User
from crewgate.domain.reason import needs_an_operator
from crewgate.domain.review import State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Decision, Person, TimedOut
from crewgate.slack import phrases
from crewgate.slack.blockkit.blocks import Message, section
from crewgate.slack.reviews import strings
from crewgate.slack.reviews.links import Link, linked
from crewgate.slack.strings import number, person, reviewer, some
from crewgate.usecases.read_models import CardView

#: The most people mentioned by one message, as many as are told in private; a user group is one.
CALLED: Final = 50
#: What operators can do about a failure.
FILES_REFUSED: Final = (
    "allow files in this workspace, or install the app again with the scopes of the manifest."
)
CHANGES_REFUSED: Final = "let apps change their messages, in the workspace's settings."
NOBODY_DECIDES: Final = "nobody decides on this. Find somebody who does, or let more people decide."
FORWARD_REFUSED: Final = "look at that address, and in the bot's log for `not_delivered`."


def called(people: Sequence[ReviewerRef], away: Sequence[Absence] = ()) -> str:
    """People as mentions, with the delegates of those who are away: `@Legal and @Ben for @Ana`.

    Those who may decide anyway are named once. Empty if there is nobody.
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
    """A card with one more section, right below its first line."""
    if line is None:
        return message
    headline, *others = message.blocks
    return replace(message, blocks=[headline, section(line), *others])


def call(view: CardView, notify: Notify) -> str | None:
    """Who is asked to decide, and who is told that the crew came back; None if nobody is."""
    if view.round.state is not State.WAITING:
        return None
    asked = view.round.not_voted(view.reviewers) if notify is Notify.MENTION else ()
    author = _asked_for_changes(view)
    others = [ref for ref in asked if author is None or ref != User(author.id)]
    may, barred = _apart(others, view)
    mentions = called(mentionable(may), view.absences if may else ())
    revise = "" if mentions else called(mentionable(barred))
    lines = [
        *([f"{person(author)}, here is {number(view.round)}."] if author is not None else []),
        *([please_decide(mentions)] if mentions else []),
        *([f"{revise} may only revise."] if revise else []),
        *(["Anybody in the channel may decide."] if Anyone() in asked else []),
    ]
    return " ".join(lines) or None


def _apart(
    people: Sequence[ReviewerRef], view: CardView
) -> tuple[Sequence[ReviewerRef], Sequence[ReviewerRef]]:
    """Return the people who may approve, and those whose approval would be refused.

    The starter in a user group is called with it.
    """
    approvers = view.approvers
    if approvers is None or (approvers.too_few and view.round.approvals == 1):
        return (people, ()) if approvers is None else ((), people)
    barred = [ref for ref in people if ref in approvers.starters]
    return [ref for ref in people if ref not in barred], barred


def not_voted(view: CardView) -> tuple[ReviewerRef, ...]:
    """Return those who are called again to decide: not a starter who may not approve."""
    left = view.round.not_voted(view.reviewers)
    may, _ = _apart(left, view)
    return tuple(may) or left


def calls_all(view: CardView, notify: Notify | None) -> bool:
    """Whether that names everybody who may decide."""
    return notify is Notify.MENTION and not any(isinstance(ref, Email) for ref in view.reviewers)


def reaches_somebody(view: CardView, notify: Notify) -> bool:
    """Whether people learn of a card although it is not shown in the channel."""
    return notify is not Notify.NONE and bool(mentionable(view.reviewers))


def mentionable(named: Sequence[ReviewerRef]) -> tuple[ReviewerRef, ...]:
    """Those whom Slack can notify."""
    return tuple(ref for ref in named if not isinstance(ref, Email | Anyone))


def kept(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    """On the card of a decision that is stuck until somebody fixes something."""
    round_ = view.round
    if round_.state is not State.STUCK or round_.decision is None:
        return None
    if not needs_an_operator(round_.reason):
        return None
    return decision_is_kept(round_.decision, mentionable(operators))


def decision_is_kept(
    decision: Decision, operators: Sequence[ReviewerRef], *, to_decider: bool = False
) -> str:
    """Tell that a decision did not reach the crew, and is not lost."""
    if isinstance(decision.by, TimedOut):
        what = f"What {phrases.decider(decision)} decided"
    else:
        whose = "Your" if to_decider else phrases.whose(decision, "")
        what = f"{whose} {phrases.noun(decision)}"
    told = "The person who runs this bot has to fix what is wrong."
    if operators:
        told = f"{called(operators)} {'has' if len(operators) == 1 else 'have'} been told."
    return f"{what} is kept. {told}"


def nobody_left(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    """Tell operators on a card that nobody is left who may approve, or too few are."""
    if view.approvers is None or not view.approvers.too_few:
        return None
    rule = view.round.rule
    assert rule is not None  # noqa: S101  # without a rule there are enough
    few = "Nobody" if rule.approvals == 1 else "Too few people"
    people = mentionable(operators)
    add = f"{called(people)}: add" if people else "Add"
    return (
        f":exclamation: *{few} may approve this.* {add} reviewers to {phrases.rule_name(rule.name)}"
        " and restart the bot. The new rule counts from the next round on: let a reviewer press "
        "Revise for one."
    )


def with_operators(message: Message, operators: Sequence[ReviewerRef], what: str) -> Message:
    """A message about a failure that calls those who can fix it."""
    people = mentionable(operators)
    if not people:
        return message
    return replace(message, blocks=[*message.blocks, section(f"{called(people)}: {what}")])


def newer(view: CardView, link: Link, *, is_told: bool = False) -> str | None:
    """Lead from the card of an earlier round to the latest one.

    `is_told`: the card tells the latest round's state, so it need not say that there is one.
    """
    if view.newer is None:
        return None
    latest = view.newer.round
    if is_told:
        return linked(f"Open {number(latest)}", view.newer.card, link)
    where = linked(number(latest), view.newer.card, link)
    if latest.edited_by is not None:
        return f"{person(latest.edited_by)} wrote {where}."
    return f"The {phrases.asker(view.round.question)} came back with {where}."


def _asked_for_changes(view: CardView) -> Person | None:
    """Who wrote what this output answers."""
    answers = None if view.round.edited_by else view.answers
    decision = answers.decision if answers is not None else None
    if decision is None or strings.asked_for(decision) is None:
        return None
    return decision.by if isinstance(decision.by, Person) else None

"""Mentions: the people who are asked, called or told, and the remedies for operators.

Only a section of a new message surely notifies. An updated card keeps its mention until somebody
approves: without it the buttons would move while people press them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from crewgate.domain import reason, review, verdict
from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, User
from crewgate.domain.referrals import REFERRAL_LIMIT
from crewgate.domain.rules.absence import Absence
from crewgate.slack.blockkit.blocks import Message, present, section
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.words import cards, decisions, names, subjects
from crewgate.usecases.read_models import CardView

#: The most people that a message mentions, or that get it in private; a user group counts as one.
CALLED: Final = 50
#: The most referrals that a line names, the latest.
_REFERRALS: Final = 3
#: The remedies that follow a mention of operators: `@Ops: allow files in this workspace, or …`.
FILES_REFUSED: Final = (
    "allow files in this workspace, or install the app again with the scopes of the manifest."
)
CHANGES_REFUSED: Final = "let apps change their messages, in the workspace's settings."
NOBODY_DECIDES: Final = "nobody decides on this. Find somebody who does, or let more people decide."
SOMEBODY_IN: Final = (
    "somebody in, which counts within minutes, or name others in the settings and restart the bot."
)
CALL_RAN: Final = "stop what runs calls of tools without an approval, and see what it did."
FORWARD_REFUSED: Final = "look at that address, and in the bot's log for `not_delivered`."


def called(people: Sequence[ReviewerRef], away: Sequence[Absence] = ()) -> str:
    """Return mentions, with delegates of absent people: `@Legal and @Ben for @Ana`.

    A delegate who may decide in any case is named once. The text is empty without people.
    """
    mentions = [names.reviewer(ref) for ref in people]
    mentions += [
        f"{names.person(one.delegate)} for {names.person(one.away)}"
        for one in away
        if User(one.delegate.id) not in people
    ]
    return names.some(mentions, CALLED)


def please_decide(round_: review.Round, mentions: str) -> str:
    return f"{mentions}: {subjects.wording(round_).please}."


def referrals(round_: review.Round, user: str = "") -> tuple[str, ...]:
    """Return a line for who asks this user to look, with the words, and one for all others."""
    own = round_.referrals_to(user)
    others = [one for one in round_.open_referrals if one.to.id != user]
    lines = []
    for one in own[-1:]:
        words = one_line(one.text, REFERRAL_LIMIT)
        asks = f"*{names.person(one.by)} asks you to look*{f': “{words}”' if words else ''}"
        lines.append(names.joined(asks, names.more(len(own) - 1) if own[1:] else ""))
    if others:
        asked = [f"asked by {names.person(one.by)}: {names.person(one.to)}" for one in others]
        left = len(asked) - _REFERRALS
        lines.append(names.joined(*asked[-_REFERRALS:], names.more(left) if left > 0 else ""))
    return tuple(lines)


def below_headline(message: Message, line: str | None) -> Message:
    if line is None:
        return message
    headline, *others = message.blocks
    return replace(message, blocks=[headline, section(line), *others])


def call(view: CardView, notify: Notify) -> str | None:
    """Return a line that calls deciders and tells a revision's author of the new round, or None."""
    if view.round.state is not review.State.WAITING:
        return None
    asked = view.round.not_voted(view.reviewers) if notify is Notify.MENTION else ()
    author = _asked_for_changes(view)
    others = [ref for ref in there(asked, view) if author is None or ref != User(author.id)]
    may, barred = _split_barred(others, view)
    mentions = called(mentionable(may), view.absences if may else ())
    revise = "" if mentions else called(mentionable(barred))
    lines = present(
        f"{names.person(author)}, here is {names.number(view.round)}."
        if author is not None
        else None,
        please_decide(view.round, mentions) if mentions else None,
        f"{revise} may only revise." if revise else None,
        "Anybody in the channel may decide." if Anyone() in asked else None,
    )
    return " ".join(lines) or None


def _split_barred(
    people: Sequence[ReviewerRef], view: CardView
) -> tuple[Sequence[ReviewerRef], Sequence[ReviewerRef]]:
    approvers = view.approvers
    if approvers is None or (approvers.too_few and view.round.rule.approvals == 1):
        return (people, ()) if approvers is None else ((), people)
    barred = [ref for ref in people if ref in approvers.starters]
    return [ref for ref in people if ref not in barred], barred


def not_voted(view: CardView) -> tuple[ReviewerRef, ...]:
    """Return the people to remind, without a starter who may not approve."""
    left = there(view.round.not_voted(view.reviewers), view)
    may, _ = _split_barred(left, view)
    return tuple(may) or left


def calls_all(view: CardView, notify: Notify | None) -> bool:
    return notify is Notify.MENTION and not any(isinstance(ref, Email) for ref in view.reviewers)


def reaches_somebody(view: CardView, notify: Notify | None) -> bool:
    return notify not in {None, Notify.NONE} and bool(mentionable(there(view.reviewers, view)))


def there(named: Sequence[ReviewerRef], view: CardView) -> tuple[ReviewerRef, ...]:
    """Leave out user groups, and other lists, of which nobody is left."""
    empty = () if view.approvers is None else view.approvers.empty
    return tuple(ref for ref in named if ref not in empty)


def mentionable(named: Sequence[ReviewerRef]) -> tuple[ReviewerRef, ...]:
    return tuple(ref for ref in named if not isinstance(ref, Email | Anyone))


def kept(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    round_ = view.round
    if round_.state is not review.State.STUCK or round_.decision is None:
        return None
    if not reason.needs_an_operator(round_.reason):
        return None
    return decision_is_kept(round_.decision, mentionable(operators))


def decision_is_kept(
    decision: verdict.Decision, operators: Sequence[ReviewerRef], *, to_decider: bool = False
) -> str:
    """Tell that a decision is stored, although the crew did not get it."""
    if not isinstance(decision.by, verdict.Person):
        what = f"What {decisions.decider(decision)} decided"
    else:
        whose = "Your" if to_decider else decisions.whose(decision, "")
        what = f"{whose} {decisions.noun(decision)}"
    sentence = "The person who runs this bot has to fix what is wrong."
    if operators:
        sentence = f"{called(operators)} {'has' if len(operators) == 1 else 'have'} been told."
    return f"{what} is kept. {sentence}"


def nobody_left(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    """Return a card's line to operators that too few are left who may approve; None if enough."""
    if view.approvers is None or view.round.state is not review.State.WAITING:
        return None
    people = mentionable(operators)
    if empty := cards.nobody_there(view):
        put = f"{called(people)}: put" if people else "Put"
        return f"{empty} {put} {SOMEBODY_IN}"
    if not view.approvers.too_few:
        return None
    rule = view.round.rule
    few = "Nobody" if rule.approvals == 1 else "Too few people"
    add = f"{called(people)}: add" if people else "Add"
    return (
        f":exclamation: *{few} may approve this.* {add} reviewers to"
        f" {decisions.rule_name(rule.name)} and restart the bot. The new rule counts from the"
        " next round on: let a reviewer press Revise for one."
    )


def with_operators(message: Message, operators: Sequence[ReviewerRef], what: str) -> Message:
    people = mentionable(operators)
    if not people:
        return message
    return replace(message, blocks=[*message.blocks, section(f"{called(people)}: {what}")])


def newer(view: CardView, link: names.Link, *, is_told: bool = False) -> str | None:
    if view.newer is None:
        return None
    latest = view.newer.round
    if is_told:
        name = names.numbered(latest) and names.number(latest)
        return names.linked(f"Open {name or names.call_named(latest)}", view.newer.card, link)
    where = names.linked(names.number(latest), view.newer.card, link)
    if latest.edited_by is not None:
        return f"{names.person(latest.edited_by)} {subjects.wording(latest).wrote} {where}."
    return f"The {decisions.asker(view.round)} came back with {where}."


def _asked_for_changes(view: CardView) -> verdict.Person | None:
    answers = None if view.round.edited_by else view.answers
    decision = answers.decision if answers is not None else None
    if decision is None or cards.asked_for(decision) is None:
        return None
    return decision.by if isinstance(decision.by, verdict.Person) else None

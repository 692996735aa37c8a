"""What a card says of its rule: how many approve and why, who may not, since when more may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from crewgate.domain.answering import choice_of
from crewgate.domain.people import ReviewerRef
from crewgate.domain.question import Question, approval_of
from crewgate.domain.review import Round
from crewgate.domain.rules.rule import Rule, Then
from crewgate.domain.verdict import Decision, Person
from crewgate.slack import decisions
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import date
from crewgate.slack.reviews import answer_strings, call_strings
from crewgate.usecases.read_models import CardView

TAKE_BACK: Final = "Take back"
#: Absences shown on a card.
_ABSENCES: Final = 5
_NUMBERS: Final = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")

_ONE_DECIDES: Final = "Approve lets the crew go on. Revise sends it back with your words."


def what_buttons_do(round_: Round) -> str:
    """What Approve and Revise do."""
    if round_.approvals == 1:
        return _ONE_DECIDES
    return (
        f"The crew goes on once {_number(round_.approvals).lower()} people have approved. Revise "
        "sends it back at once with your words."
    )


def about_rule(view: CardView) -> list[str]:
    """The quiet lines of a waiting round that is under a rule, and who stands in for whom."""
    rule = view.round.rule
    lines = []
    if rule is not None:
        lines = [
            _why(view.round, rule),
            _starts_again(view),
            _not_their_own(view, rule),
            _escalated(view),
            or_else(rule, view.round.question),
        ]
    return [line for line in (*lines, _standing_in(view)) if line]


def approvals(count: int) -> str:
    """`Two approvals`."""
    return f"{_number(count)} approval" if count == 1 else f"{_number(count)} approvals"


def so_far(round_: Round, name: Callable[[Person], str] = shared.person) -> str:
    """`1 of 2: @Ana`; empty before the first approval."""
    if not round_.votes:
        return ""
    chosen = choice_of(round_.votes[0])
    what = f" for {answer_strings.label(chosen)}" if chosen is not None else ""
    people = decisions.voters(round_.votes, name=name)
    return f"{len(round_.votes):,} of {round_.approvals:,}{what}: {people}"


def had_approved(round_: Round, decision: Decision) -> str:
    """`1 of 2 had approved: @Ana`, where that did not decide it; else empty."""
    if decision.votes or not round_.votes:
        return ""
    people = decisions.voters(round_.votes, most=decisions.NAMED_SHORT)
    chosen = choice_of(round_.votes[0])
    what = f"chosen {answer_strings.label(chosen)}" if chosen is not None else "approved"
    return f"{len(round_.votes):,} of {round_.approvals:,} had {what}: {people}"


def comment_of_several(round_: Round) -> str:
    """Above the comment of one of several approvals; empty where one is enough."""
    if round_.approvals == 1:
        return ""
    return (
        f"This takes {_number(round_.approvals).lower()} approvals, and yours is one of them. "
        "Your comment is sent with your name, once the last one is given."
    )


def nobody_left(round_: Round, operators: Sequence[ReviewerRef]) -> str:
    """Told to operators: nobody is left who may approve, or too few are."""
    rule = round_.rule
    assert rule is not None  # noqa: S101  # without a rule there are enough
    few = (
        "Nobody is left who may approve this."
        if rule.approvals == 1
        else "Too few people are left who may approve this."
    )
    whom = f"{call_strings.named(operators)}: let" if operators else "Let"
    return (
        f":exclamation: *{few}* {whom} more people decide. A change of "
        f"{decisions.rule_name(rule.name)} counts from the next round on: make it, then have "
        "somebody ask for changes here."
    )


# --- the lines ------------------------------------------------------------------------------------


def _why(round_: Round, rule: Rule) -> str:
    if not rule.name:
        return ""  # whom a flow's request assigns decide, by no rule of the settings
    why = f"{approvals(rule.approvals)}, because of {decisions.rule_quoted(rule.name)}"
    wanted = f"wanted within {decisions.how_long(rule.target)}" if rule.target is not None else ""
    return " · ".join(part for part in (why, so_far(round_), wanted) if part)


def _starts_again(view: CardView) -> str:
    previous = view.previous
    if previous is None or not previous.votes or view.round.votes:
        return ""
    given = shared.counted(len(previous.votes), "approval")
    were = "was" if len(previous.votes) == 1 else "were"
    return f"The count starts again: {given} {were} for round {previous.number:,}."


def _not_their_own(view: CardView, rule: Rule) -> str:
    if rule.self_approval:
        return ""
    approvers = view.approvers
    if approvers is None or approvers.not_told:
        return "Who started this may not approve it."
    if approvers.starter is not None:
        return f"{shared.reviewer(approvers.starter)} started this, so others have to approve it."
    if rule.unknown_starter:
        return "Nobody knows who started this, so anybody who may decide may approve it."
    return "Nobody knows who started this, so nobody may approve it. Changes may be asked for."


def _escalated(view: CardView) -> str:
    if view.round.escalated_at is None:
        return ""
    people = shared.named(view.escalates_to, most=shared.DECIDERS_SHOWN)
    return f"Since {date(view.round.escalated_at)} {people} may decide too."


def or_else(rule: Rule, question: Question | None = None) -> str:
    """What the rule does when nobody decides; empty where it does nothing."""
    timeout = rule.timeout
    done = _what_time_does(question, timeout.then) if timeout is not None else ""
    if timeout is None or not done:
        return ""
    return f"If nobody decides within {decisions.how_long(timeout.after)}, the rule {done}."


def _what_time_does(question: Question | None, then: Then) -> str:
    """What the rule does when nobody decided; empty where it leaves it."""
    match then:
        case Then.LEAVE:
            return ""
        case Then.REVISE:
            return "sends it back" if question is None else "answers in its words"
        case Then.APPROVE:  # pragma: no branch  # there is no fourth
            if question is None:
                return "approves it"
            label = approval_of(question)
            return f"answers {answer_strings.label(label)}" if label is not None else ""


def _standing_in(view: CardView) -> str:
    shown = view.absences[:_ABSENCES]
    lines = [
        f"{shared.person(one.delegate)} for {shared.person(one.away)} until {date(one.until)}"
        for one in shown
    ]
    left = len(view.absences) - len(shown)
    return " · ".join([*lines, f"and {left:,} more"] if left > 0 else lines)


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"

"""What a card says: its first line in every state, the quiet lines, and the push on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crewgate.domain.changes import Changes
from crewgate.domain.people import Anyone, ReviewerRef, User
from crewgate.domain.reason import AnsweredElsewhere, Dismissed, RequestGone
from crewgate.domain.review import Round
from crewgate.domain.verdict import Answer, Decision, TimedOut
from crewgate.slack import decisions
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import date, duration, one_line, plain
from crewgate.slack.reviews import answer_strings, reader_strings, rule_strings
from crewgate.slack.reviews.presentation import (
    Closed,
    OnItsWay,
    Presentation,
    Stuck,
    Superseded,
    Taken,
    Waiting,
    sign,
)
from crewgate.slack.reviews.strings import unsent_notes
from crewgate.slack.strings import person, person_plain, task
from crewgate.usecases.read_models import CardView

SUBJECT_LIMIT: Final = 100
REVIEWERS_SHOWN: Final = 3
_GIVEN_SHOWN: Final = 3
_VALUE_LIMIT: Final = 60

I_AM_ON_IT: Final = "I'm on it"
READ_WORDS: Final = "Read the words"
NOT_SHOWABLE: Final = "Slack cannot show this output here. It is attached as a file."
NOBODY_DECIDED: Final = "A newer output came before anybody decided."


def headline(round_: Round, shown: Presentation, subject: str) -> str:
    """A card's first line: the state first, then what it is about."""
    about = one_line(subject, SUBJECT_LIMIT)
    line = f"{sign(shown)} {shared.bold(_state(round_, shown))}"
    return f"{line} · {about}" if about else line


def _state(round_: Round, shown: Presentation) -> str:  # a table
    name = task(round_)
    match shown:
        case Waiting() if round_.question is not None:
            return answer_strings.is_waiting(name)
        case Waiting():
            return f"{name} is ready for review"
        case OnItsWay(decision) | Taken(decision):
            return _decided(name, decision)
        case Stuck(decision, may_be_taken=may_be_taken):
            became = "may not have reached" if may_be_taken else "did not reach"
            return f"{_theirs(decision)} {name} {became} the {shared.told(decision)}"
        case Superseded() | Closed():  # pragma: no branch  # there is no seventh
            return _ended(name, shown)


def _decided(name: str, decision: Decision) -> str:
    match decision.by:
        case TimedOut() as by:
            return f"{name}: {_uncapital(decisions.timed_out(by, decision))}"
        case _ if isinstance(decision.verdict, Answer):
            several = bool(decision.votes)
            did = answer_strings.did(_who(decision), decision.verdict, several=several)
            return f"{name}: {did}"
        case _ if decision.is_approve:
            return f"{name} approved by {_who(decision)}"
        case _:
            return f"{_who(decision)} asked for changes to {name}"


def _ended(name: str, shown: Superseded | Closed) -> str:
    match shown:
        case Superseded(by):
            return f"{name}: round {by:,} takes its place"
        case Closed(reason=Dismissed(by=by)):
            return f"{name} dismissed by {person(by)}"
        case Closed(Decision() as decision, may_be_taken=may_be_taken):
            other = shared.told(decision)
            not_taken = isinstance(shown.reason, RequestGone)
            became = "was not taken" if not_taken else "was not sent"
            if may_be_taken:
                became = f"may not have reached the {other}"
            if isinstance(shown.reason, AnsweredElsewhere):
                became = "came too late"
            return f"{_theirs(decision)} {name} {became}"
        case Closed(reason=AnsweredElsewhere()):
            return f"{name} was answered elsewhere"
        case Closed():  # pragma: no branch  # there is no third
            return f"{name} is closed"


def _theirs(decision: Decision) -> str:
    what = "approval of" if decision.is_approve else "request for changes to"
    if isinstance(decision.verdict, Answer):
        what = "answer to"
    if isinstance(decision.by, TimedOut):
        return f"The {what}"
    return f"{_who(decision)}'s {what}"


def _who(decision: Decision) -> str:
    return decisions.by_whom(decision, most=decisions.NAMED_SHORT)


# --- the quiet lines -----------------------------------------------------------------------------


def about_waiting(view: CardView) -> str:
    """Below a waiting card's first line: crew, who may decide, round, agent, who started it."""
    round_ = view.round
    parts = (
        shared.crew(round_.review.crew),
        _may_decide(view),
        _assigned(round_),
        number(round_),
        one_line(round_.review.agent or "", shared.AGENT_LIMIT),
        _started(view),
        f"since {date(round_.opened_at)}",
    )
    return " · ".join(part for part in parts if part)


def _assigned(round_: Round) -> str:
    """Whom a flow's request names, where others decide."""
    question = round_.question
    decide = round_.rule.reviewers if round_.rule is not None else None
    if question is None or question.assigned == decide:
        return ""
    return answer_strings.assigned(question)


def about_plain(round_: Round) -> str:
    """The same without anything that came from outside."""
    return f"{number(round_)} · since {date(round_.opened_at)}"


def about_decided(round_: Round, decision: Decision) -> str:
    """Below a decided card's first line: when, after how long, which round, which crew."""
    waited = duration(decision.at - round_.opened_at)
    crew = shared.crew(round_.review.crew)
    parts = (
        date(decision.at),
        f"waited {waited}",
        number(round_),
        crew,
        unsent_notes(decision),
        rule_strings.had_approved(round_, decision),
    )
    return " · ".join(part for part in parts if part)


def about_undecided(round_: Round) -> str:
    """Below the first line of a card that nobody decided."""
    crew = shared.crew(round_.review.crew)
    return f"{date(round_.ended_at or round_.opened_at)} · {number(round_)} · {crew}"


def number(round_: Round) -> str:
    """A round's number inside a line."""
    return f"round {round_.number:,}"


def _may_decide(view: CardView) -> str:
    """People by name: a mention might call them each time."""
    reviewers = view.reviewers
    if not reviewers:
        return ""
    if Anyone() in reviewers:
        return "for anyone in the channel"
    names = dict(view.names)
    named = ", ".join(_name(ref, names) for ref in reviewers[:REVIEWERS_SHOWN])
    left = len(reviewers) - REVIEWERS_SHOWN
    return f"for {named} and {left:,} more" if left > 0 else f"for {named}"


def _name(ref: ReviewerRef, names: Mapping[str, str]) -> str:
    if isinstance(ref, User) and ref.id in names:
        return one_line(names[ref.id], shared.CREW_LIMIT)
    return shared.reviewer(ref)


def _started(view: CardView) -> str:
    by = f" by {one_line(view.starter.name, shared.CREW_LIMIT)}" if view.starter else ""
    values = (
        ""
        if _says_all(view)
        else ", ".join(
            f"{shared.input_name(name, capital=False)}: {one_line(value, _VALUE_LIMIT)}"
            for name, value in view.given[:_GIVEN_SHOWN]
        )
    )
    return f"started{by}{f' on {values}' if values else ''}" if by or values else ""


def _says_all(view: CardView) -> bool:
    """Whether the first line has all that it was started on."""
    return view.subject == ", ".join(" ".join(value.split()) for _, value in view.given)


# --- what came before, and how much of it is shown -----------------------------------------------


def changed(changes: Changes, previous: Round) -> str:
    """What changed since an earlier round."""
    if not changes:
        what = "Only the formatting" if changes.reformatted else "Nothing"
        return f"{what} changed since {number(previous)}."
    unasked = f" · {NOBODY_DECIDED}" if reader_strings.is_unasked(previous) else ""
    return f"*{reader_strings.amount(changes)}* since {number(previous)}{unasked}"


def unchanged(round_: Round) -> str:
    """The crew did the task again and came back with the same."""
    return (
        f":exclamation: *Nothing changed.* This output is the same as in round "
        f"{round_.number - 1:,}, although changes were asked for."
    )


def shown_share(percent: int) -> str:
    """How much of the output a card shows."""
    return f"{percent} % shown" if percent else "less than 1 % shown"


def read_all(pages: int) -> str:
    """The button that opens the whole output."""
    return f"{reader_strings.READ} ({pages:,} pages)" if pages > 1 else reader_strings.READ


# --- the push on a phone -------------------------------------------------------------------------


def push(round_: Round, shown: Presentation, subject: str = "") -> str:
    """A card in one plain line: what a notification says."""
    again = f", {number(round_)}" if round_.number > 1 else ""
    about = plain(subject, SUBJECT_LIMIT)
    name = f"{shared.title_plain(round_.review.title)}{again}{f' · {about}' if about else ''}"
    return f"{_state_plain(shown, is_question=round_.question is not None)}: {name}"


def _state_plain(shown: Presentation, *, is_question: bool) -> str:
    match shown:
        case Waiting(approved=approved, needed=needed):
            so_far = f", {approved:,} of {needed:,}" if approved else ""
            waits = answer_strings.WAITING_PLAIN if is_question else "Ready for review"
            return f"{waits}{so_far}"
        case Superseded() | Closed():
            return _ended_plain(shown)
        case Stuck(decision, may_be_taken=may_be_taken):
            return f"{_lost_plain(may_be_taken)} ({_did_plain(decision)})"
        case OnItsWay(decision):
            other = shared.told(decision)
            return f"{_capital(_did_plain(decision))}, being sent to the {other}"
        case Taken(decision):  # pragma: no branch  # there is no seventh
            return _capital(_did_plain(decision))


def _ended_plain(shown: Superseded | Closed) -> str:
    match shown:
        case Superseded(by):
            return f"Replaced by round {by:,}"
        case Closed(reason=Dismissed(by=by)):
            return f"Dismissed by {person_plain(by)}"
        case Closed(Decision() as decision, may_be_taken=may_be_taken):
            return f"{_lost_plain(may_be_taken)} ({_did_plain(decision)})"
        case Closed():  # pragma: no branch  # there is no third
            return "Closed"


def _lost_plain(may_be_taken: bool) -> str:  # noqa: FBT001  # a field, passed on
    return "Perhaps not delivered" if may_be_taken else "Not delivered"


def _did_plain(decision: Decision) -> str:
    if isinstance(decision.by, TimedOut):
        return _uncapital(decisions.timed_out(decision.by, decision, plain))
    who = decisions.by_whom(decision, most=decisions.NAMED_SHORT, name=person_plain)
    if isinstance(decision.verdict, Answer):
        return answer_strings.did_plain(who, decision.verdict, several=bool(decision.votes))
    return f"approved by {who}" if decision.is_approve else f"{who} asked for changes"


def _uncapital(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]

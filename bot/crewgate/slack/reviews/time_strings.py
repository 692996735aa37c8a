"""What is said of a round that waits for long: reminders, escalation, a time-out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import Round
from crewgate.domain.verdict import TimedOut
from crewgate.slack import decisions
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import date, duration, one_line
from crewgate.slack.reviews import call_strings, card_strings, rule_strings
from crewgate.usecases.read_models import CardView


def reminder(view: CardView, mentions: str) -> str:
    """Told to those who have not decided; `mentions` is empty where nobody is called."""
    return f"{mentions}: {_still_waits(view)}" if mentions else _still_waits(view)


def private_reminder(view: CardView, where: str) -> str:
    """The same for one person, in private; `where` is the card."""
    return f"{_still_waits(view)} See {where}."


def escalated(view: CardView, people: Sequence[ReviewerRef], now: datetime) -> str:
    """Told to those who may decide too from now on."""
    waited = duration(now - view.round.opened_at)
    so_far = _so_far(view.round)
    line = f"Nobody has decided on {_subject(view)} for {waited}, so more people may now."
    if so_far:
        line = f"{_subject(view)} has waited for {waited} · {so_far}. More people may decide now."
    return f"{line} {call_strings.named(people)}: please decide." if people else line


def timed_out(view: CardView, mentions: str) -> str:
    """What a rule did when nobody decided; `mentions` where it goes on waiting."""
    round_ = view.round
    decision = round_.decision
    if decision is not None and isinstance(decision.by, TimedOut):
        return f"{decisions.timed_out(decision.by, decision)}: {_subject(view)}."
    timeout = round_.rule.timeout if round_.rule is not None else None
    within = f"within {decisions.how_long(timeout.after)}" if timeout is not None else "in time"
    so_far = _so_far(round_)
    line = f"Nobody decided on {_subject(view)} {within}. It goes on waiting."
    if so_far:
        line = f"{_subject(view)} was not decided {within} · {so_far}. It goes on waiting."
    return f"{line} {mentions}: please decide." if mentions else line


def plain(round_: Round) -> str:
    """For notifications."""
    return f"{shared.subject_plain(round_)} waited long for a decision"


def timed_out_plain(round_: Round) -> str:
    """The same once the time is over."""
    decision = round_.decision
    if decision is not None and isinstance(decision.by, TimedOut):
        return f"{decisions.did_this_plain(decision)}: {shared.subject_plain(round_)}"
    return f"Nobody decided in time on {shared.subject_plain(round_)}"


def _still_waits(view: CardView) -> str:
    so_far = _so_far(view.round)
    since = f"since {date(view.round.opened_at)}"
    return (
        f"{_subject(view)} still waits for a decision, {since}{f' · {so_far}' if so_far else ''}."
    )


def _so_far(round_: Round) -> str:
    """By name: whoever has approved is not called again."""
    return rule_strings.so_far(round_, shared.person_by_name)


def _subject(view: CardView) -> str:
    about = one_line(view.subject, card_strings.SUBJECT_LIMIT)
    name = f"{shared.bold(shared.task(view.round))}, {card_strings.number(view.round)}"
    return f"{name} · {about}" if about else name

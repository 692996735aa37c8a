"""What is said of a round that waits for long: reminders, escalation, a time-out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.people import ReviewerRef
from bot.domain.review import Round
from bot.domain.verdict import TimedOut
from bot.slack import strings as shared
from bot.slack.reviews import call_strings


def reminder(people: Sequence[ReviewerRef], round_: Round) -> str:
    """Told to those who have not decided."""
    line = f"{_what(round_)} still waits for a decision."
    return f"{call_strings.named(people)}: {_uncapital(line)}" if people else line


def escalated(people: Sequence[ReviewerRef], round_: Round) -> str:
    """Told to those who may decide too from now on."""
    line = f"Nobody has decided {_what(round_)} yet, so more people may."
    return f"{line} {call_strings.named(people)}: please decide." if people else line


def timed_out(round_: Round) -> str:
    """What a rule did when nobody decided."""
    decision = round_.decision
    if decision is not None and isinstance(decision.by, TimedOut):
        return f"{shared.timed_out(decision.by, decision)}."
    return f"Nobody decided {_what(round_)} in time. It goes on waiting."


def plain(round_: Round) -> str:
    """For notifications."""
    return f"{shared.subject_plain(round_)} waited long for a decision"


def _what(round_: Round) -> str:
    return f"Round {round_.number:,} of {shared.task(round_)}"


def _uncapital(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]

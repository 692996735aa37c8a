"""One round in a line or a few: for lists, history and Home."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.domain.review import Round
from bot.slack import strings as shared
from bot.slack.blockkit.text import date, one_line
from bot.slack.reviews import state_strings, strings
from bot.slack.reviews.presentation import Superseded, Taken, Waiting, present


def answered(round_: Round) -> str:
    """What became of a round: who, when, after how long, with which words, and the answer."""
    shown = present(round_)
    if isinstance(shown, Waiting | Superseded) or shown.decision is None:
        return state_strings.in_full(shown)
    decision = shown.decision
    waited = strings.waited(round_, decision)
    lines = [f"{state_strings.decided(decision)} {date(decision.at)}, after {waited}"]
    if written := state_strings.written(decision):
        lines.append(shared.quoted(written, state_strings.FEEDBACK_SHOWN))
    lines.append(state_strings.outcome(shown))
    return "\n".join(lines)


def detail(round_: Round, output: str) -> str:
    """The same below a line of a list: output, feedback, how long it waited, the answer."""
    lines = [one_line(output, _LINE)] if output.strip() else []
    decision = round_.decision
    if decision is not None:
        lines.append(f"decided after {strings.waited(round_, decision)}")
        if written := state_strings.written(decision):
            lines.append(
                shared.quoted(written, strings.EARLIER_FEEDBACK_SHOWN).replace("> ", "“", 1) + "”"
            )
        shown = present(round_)
        if isinstance(shown, Taken) and shared.because(shown.reason):
            lines.append(state_strings.outcome(shown))
    return "".join(f"\n{line}" for line in lines)


def round_and_age(round_: Round, age: str) -> str:
    """One round in Home, without its link and its excerpt."""
    return f"{shared.number_of(round_)} · {age}"


def one_line_excerpt(text: str) -> str:
    """One line of an output."""
    return one_line(text, _LINE)


_LINE: Final = 160


def status(round_: Round, now: datetime) -> str:
    """A round's state in a list, with how long it has been so."""
    return state_strings.in_list(present(round_), now)


def waiting_for(how_long: str) -> str:
    """How long a round has waited."""
    return f"waiting for {how_long}"

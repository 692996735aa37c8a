"""One round in a line or a few: for lists, history and Home."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.domain.review import Round, State
from bot.domain.verdict import Approve, Decision, Revise
from bot.slack import strings as shared
from bot.slack.blockkit.text import ago, date, duration, one_line
from bot.slack.reviews import strings


def answered(round_: Round) -> str:
    """What became of a round: who, when, after how long, with which words, and the answer."""
    decision = round_.decision
    if decision is None:
        return state(round_) or "Waiting for a decision"
    lines = [f"{strings.decided(decision)} {date(decision.at)}, after {waited(round_, decision)}"]
    written = said(decision)
    if written:
        lines.append(shared.quoted(written, strings.FEEDBACK_SHOWN))
    answer = shared.answer(round_)
    lines.append(f"{_BECAME[round_.state]}: “{answer}”" if answer else _BECAME[round_.state])
    return "\n".join(lines)


_BECAME: Final = {
    State.DECIDED: "Telling the crew…",
    State.RESUMED: "The crew took it",
    State.STUCK: "The crew did not take it",
    State.CLOSED: "Closed",
}


def waited(round_: Round, decision: Decision) -> str:
    """How long a round waited for its decision."""
    return duration(decision.at - round_.opened_at)


def said(decision: Decision) -> str:
    """What the reviewer wrote."""
    match decision.verdict:
        case Approve(comment):
            return comment or ""
        case Revise(feedback):
            return feedback


def detail(round_: Round, output: str) -> str:
    """The same below a line of a list: output, feedback, how long it waited, the answer."""
    lines = [one_line(output, _LINE)] if output.strip() else []
    decision = round_.decision
    if decision is not None:
        lines.append(f"decided after {waited(round_, decision)}")
        if written := said(decision):
            lines.append(
                shared.quoted(written, strings.EARLIER_FEEDBACK_SHOWN).replace("> ", "“", 1) + "”"
            )
        answer = shared.answer(round_)
        if answer and round_.state is State.RESUMED:
            lines.append(f"{_BECAME[round_.state]}: “{answer}”")
    return "".join(f"\n{line}" for line in lines)


def round_and_age(round_: Round, age: str) -> str:
    """One round in Home, without its link and its excerpt."""
    return f"{shared.number_of(round_)} · {age}"


def one_line_excerpt(text: str) -> str:
    """One line of an output."""
    return one_line(text, _LINE)


_LINE: Final = 160


_REASON_LIMIT: Final = 120


def status(round_: Round, now: datetime) -> str:
    """A round's state in a list, with how long it has been so."""
    match round_.state, round_.decision:
        case State.WAITING, _:
            return f"waiting, came {ago(round_.opened_at, now)}"
        case State.SUPERSEDED, _:
            return "replaced by a newer output"
        case _, None:
            return f"closed{_because(round_)}"
        case state, decision:
            did = "approved" if decision.is_approve else "sent back for changes"
            since = ago(decision.at, now)
            return f"{did} by {shared.person(decision.by)} {since}, {_then(state, round_)}"


def _then(state: State, round_: Round) -> str:
    match state:
        case State.RESUMED:
            return "taken by the crew"
        case State.STUCK:
            return f"*stuck*{_because(round_)}"
        case State.CLOSED:
            return f"closed{_because(round_)}"
        case _:
            return "telling the crew…"


def _because(round_: Round) -> str:
    why = one_line(round_.answer, _REASON_LIMIT)
    return f": {why}" if why else ""


def waiting_for(how_long: str) -> str:
    """How long a round has waited."""
    return f"waiting for {how_long}"


def state(round_: Round) -> str | None:
    """What is true about a round that does not wait."""
    decision = round_.decision
    match round_.state:
        case State.WAITING:
            return None
        case State.SUPERSEDED:
            return strings.superseded(round_.number)
        case State.DECIDED if decision is not None:
            return strings.on_its_way(round_, decision)
        case State.RESUMED if decision is not None:
            return strings.taken(round_, decision)
        case State.STUCK if decision is not None:
            return strings.stuck(round_, decision)
        case _:
            return strings.closed(round_)

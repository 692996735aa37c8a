"""What the answers to the slash command say: help, lists, one execution. See `words`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.domain.review import Round, State
from bot.slack.blockkit.text import ago, one_line
from bot.slack.ids import COMMAND
from bot.slack.reviews import strings as words
from bot.usecases.read_models import Progress, Silence

_REASON_LIMIT: Final = 120

HELP: Final = (
    (
        f"`{COMMAND} pending` shows what waits for a decision, the oldest first\n"
        f"`{COMMAND} pending mine` shows only what you may decide\n"
        f"`{COMMAND} status` shows every crew, what runs, waits, is on its way or is stuck\n"
        f"`{COMMAND} status <execution>` shows one in full; the beginning of its id is enough\n"
        f"`{COMMAND} kickoff <crew>` starts a crew; with one crew its name may be left out\n"
        f"`{COMMAND} help` shows this"
    )
    .replace("<", "&lt;")
    .replace(">", "&gt;")
)
HELP_PLAIN: Final = f"{COMMAND} pending, {COMMAND} status, {COMMAND} kickoff, {COMMAND} help"
HELP_HEADLINE: Final = "*Crews pause here until somebody decides.*"
HELP_REVIEWS: Final = (
    "On a card, *Approve* lets the crew go on. *Revise* sends your feedback; the crew does the "
    "task again and a new round appears in the same thread. The first decision counts."
)
NOTHING_UNSETTLED: Final = "Nothing waits, is on its way or is stuck."


def pending(total: int, *, mine: bool) -> str:
    """A list's headline."""
    whose = " for you" if mine else ""
    if total == 0:
        return f"Nothing waits{whose}."
    return f"{_count(total, 'review')} {'waits' if total == 1 else 'wait'}{whose} for a decision"


def unsettled(executions: int, *, more_left: bool) -> str:
    """The headline of the overview; not all rounds were looked at when more are left."""
    if more_left:
        return f"The {_count(executions, 'execution')} not settled for longest"
    return f"{_count(executions, 'execution')} not settled"


MORE_UNSETTLED: Final = f"There are more; `{COMMAND} pending` counts what waits."


def more(count: int) -> str:
    """What a list leaves off at its end."""
    return f"and {count:,} more"


def earlier(count: int) -> str:
    """What a list leaves off at its beginning."""
    return f"{_count(count, 'earlier round')} left off"


def progress(reported: Progress | Silence, bar: str) -> str:
    """What the crew says about itself; `bar` is empty when it gives no numbers."""
    if isinstance(reported, Silence):
        return f"The crew does not answer ({one_line(reported.why, words.ANSWER_LIMIT)})."
    state = one_line(reported.state, words.ID_LIMIT)
    parts = [bar or f"The crew says “{state}”"]
    if bar and state not in {"running", ""}:
        parts.append(state)
    if reported.current_task:
        parts.append(f"now at {one_line(reported.current_task, words.TITLE_LIMIT)}")
    if reported.error:
        parts.append(f"the error: {one_line(reported.error, words.ANSWER_LIMIT)}")
    return " · ".join(parts)


def tasks_done(completed: int, total: int) -> str:
    """The numbers beside a progress bar."""
    return f"{completed:,} of {_count(total, 'task')}"


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
            return f"{did} by {words.person(decision.by)} {since}, {_then(state, round_)}"


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


NO_ROUNDS: Final = "Nothing has come for review yet."


def ambiguous(prefix: str) -> str:
    """A beginning that several executions share."""
    return f"Several executions begin with {words.identifier(prefix)}. Which one?"


def unknown_execution(prefix: str) -> str:
    """No execution's id begins so."""
    return (
        f"I know no execution that begins with {words.identifier(prefix)}. "
        f"`{COMMAND} status` shows those that are not settled."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def waited(how_long: str) -> str:
    """How long a round has waited."""
    return f"waiting for {how_long}"

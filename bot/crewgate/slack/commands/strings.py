"""Answers to the slash command: help, lists, one execution."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.execution import Execution, id_beginning
from crewgate.domain.review import Round
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import duration, one_line
from crewgate.slack.executions.progress_bar import tasks_done
from crewgate.slack.executions.strings import tasks
from crewgate.slack.ids import COMMAND
from crewgate.slack.phrases import ANSWER_LIMIT
from crewgate.slack.reviews import state_strings
from crewgate.slack.reviews.presentation import Stuck, Waiting, present
from crewgate.slack.strings import counted
from crewgate.usecases.queries.crews import CrewHealth, Overview
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress

HELP_HEADLINE: Final = "*Crews pause here until somebody decides.*"
HELP_REVIEWS: Final = (
    "• *Approve* lets the crew go on. You are asked first if you were not shown all of it, notes "
    "wait, or somebody is on it.\n"
    "• *Revise* sends your words: the crew does the task again, and a new round appears in the "
    "same thread.\n"
    "• Talk in the card's thread: notes stand in the form behind Revise, and are sent by it alone."
    "\n"
    "• The first decision counts. The app's Home is your queue."
)
HELP: Final = (
    f"`{COMMAND} pending` shows what waits, the oldest first; `{COMMAND} pending mine`: for you\n"
    f"`{COMMAND} status` shows every execution; with the beginning of an id, one in full\n"
    f"`{COMMAND} kickoff &lt;crew&gt;` starts a crew\n"
    f"`{COMMAND} rules` shows the rules for what you decide\n"
    f"`{COMMAND} away` opens a form: who decides for you, until when; `{COMMAND} back` ends it\n"
    f"`{COMMAND} help` shows this"
)
HELP_PLAIN: Final = ", ".join(
    f"{COMMAND} {name}"
    for name in ("pending", "status", "kickoff", "away", "back", "rules", "help")
)


def pending(total: int, *, mine: bool) -> str:
    """A list's headline."""
    whose = "for you" if mine else "for a decision"
    if total == 0:
        return "Nothing waits for you." if mine else "Nothing waits."
    if total == 1:
        return f"1 review waits {whose}"
    return f"{shared.total(total)} reviews wait {whose}"


def overview(seen: Overview) -> str:
    """The totals in one line."""
    waits = "waits" if seen.waiting == 1 else "wait"
    said = shared.joined(
        f"{shared.total(seen.stuck)} not delivered" if seen.stuck else "",
        f"{shared.total(seen.waiting)} {waits} for a decision" if seen.waiting else "",
        f"{shared.total(seen.sending)} being sent" if seen.sending else "",
    )
    return said or ("Nothing waits" if seen.executions else "Nothing waits or runs")


MORE_EXECUTIONS: Final = (
    f"There are more. `{COMMAND} pending` counts what waits, and the app's Home shows it in pages."
)


def for_whom(who: str) -> str:
    """The deciders, within a line; empty where there are none."""
    return f"for {who}" if who else ""


def about(execution: Execution) -> str:
    """The subject of an execution."""
    return one_line(execution.subject, shared.TITLE_LIMIT)


def title(execution: Execution) -> str:
    """The subject of an execution, its crew, and its whole id to copy."""
    crew, whole = shared.crew(execution.crew), shared.identifier(execution.execution_id)
    if execution.subject == id_beginning(execution.execution_id):
        return f"{shared.bold(crew)} · {whole}"
    return f"{shared.bold(about(execution))} · {crew} · {whole}"


def beginning(execution: Execution) -> str:
    """The beginning of its id, for the command that shows it in full, unless it is named so."""
    name = id_beginning(execution.execution_id)
    return shared.identifier(name) if execution.subject != name else ""


def done(execution: Execution) -> str:
    """The progress of an execution, in numbers."""
    if execution.total_tasks:
        completed = min(execution.completed_tasks, execution.total_tasks)
        return tasks_done(completed, execution.total_tasks)
    return tasks(execution.completed_tasks) if execution.completed_tasks else ""


def needs(round_: Round, who: str, now: datetime) -> str:
    """The review an execution waits for, its deciders, and for how long."""
    title = shared.task(round_)
    match present(round_):
        case Waiting(since):
            waited = f"{title} has waited {duration(now - since)}"
            return f"{waited} {for_whom(who)}" if who else waited
        case shown:
            told = f"{title}: {state_strings.in_list(shown, now)}"
            return f"{told} · {for_whom(who)}" if who and isinstance(shown, Stuck) else told


def works(execution: Execution, now: datetime) -> str:
    """The current task of an execution that waits for nobody, and how long it has run."""
    now_at = f"at {shared.title(execution.current_task)}, " if execution.current_task else ""
    return f"{now_at}running for {duration(now - execution.began_at)}"


def others(count: int) -> str:
    """More of an execution's reviews wait."""
    return f"and {shared.counted(count, 'more review')}" if count > 0 else ""


def more(count: int) -> str:
    """The number of lines that a list leaves off at its end."""
    return f"and {count:,} more"


def all_of(total: int) -> str:
    """The place of the lines that a list leaves off, of so many in all."""
    return f"These are the oldest. The app's Home shows all {shared.total(total)}."


def earlier(count: int) -> str:
    """The number of rounds that a list leaves off at its beginning."""
    return f"{counted(count, 'earlier round')} {'is' if count == 1 else 'are'} not shown"


def progress(reported: Progress | CrewUnavailable, bar: str) -> str:
    """The crew's own status; `bar` is empty when it gives no numbers."""
    if isinstance(reported, CrewUnavailable):
        return _unavailable(reported)
    word = one_line(reported.word, shared.ID_LIMIT)
    parts = [bar or f"The crew says “{word}”"]
    if bar and reported.status is not CrewStatus.RUNNING:
        parts.append(word)
    if reported.current_task:
        parts.append(f"now at {shared.title(reported.current_task)}")
    if reported.error:
        parts.append(f"the error: {one_line(reported.error, ANSWER_LIMIT)}")
    return shared.joined(*parts)


def _unavailable(reported: CrewUnavailable) -> str:
    why = one_line(reported.why, ANSWER_LIMIT)
    if reported.gone:
        return f"The crew does not know this execution ({why})."
    if reported.answered:
        return f"The crew does not say how far it is ({why})."
    return f"The crew does not answer ({why})."


NO_ROUNDS: Final = "Nothing has come for review yet."


def ambiguous(prefix: str) -> str:
    """A beginning that several executions share."""
    return f"Several executions begin with {shared.identifier(prefix)}. Which one?"


def unknown_execution(prefix: str) -> str:
    """No execution's id begins so."""
    return (
        f"I know no execution that begins with {shared.identifier(prefix)}. "
        f"`{COMMAND} status` shows those that wait or run."
    )


REFRESH: Final = "Refresh"


def reached(crew: CrewHealth) -> str:
    """A crew's health: how fast it answers, or what is wrong."""
    name = shared.bold(shared.crew(crew.crew))
    if crew.warning is not None:
        return f":red_circle: {name}: {one_line(crew.warning, ANSWER_LIMIT)}"
    milliseconds = int(crew.took / timedelta(milliseconds=1))
    return f":large_green_circle: {name} answers in {milliseconds:,} ms"


def step(doing: str) -> str:
    """The latest step of an agent."""
    return f"Latest step: {one_line(doing, ANSWER_LIMIT)}"


def as_of(at: str) -> str:
    """The time at which this was true."""
    return f"As of {at}"

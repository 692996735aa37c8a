"""What the answers to the slash command say: help, lists, one execution."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.domain.execution import Execution
from bot.slack import strings as shared
from bot.slack.blockkit.text import ago, one_line
from bot.slack.executions.strings import tasks
from bot.slack.ids import COMMAND
from bot.slack.strings import counted
from bot.usecases.queries.crews import CrewHealth
from bot.usecases.read_models import COUNTED, CrewStatus, CrewUnavailable, Progress

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
    if total == 1:
        return f"1 review waits{whose} for a decision"
    return f"{shared.total(total)} reviews wait{whose} for a decision"


def unsettled(executions: int, *, more_left: bool) -> str:
    """The headline of the overview; not all rounds were looked at when more are left."""
    if more_left:
        return f"The {counted(executions, 'execution')} not settled for longest"
    return f"{counted(executions, 'execution')} not settled"


MORE_UNSETTLED: Final = f"There are more; `{COMMAND} pending` counts what waits."


def more(count: int) -> str:
    """What a list leaves off at its end."""
    return f"and {count:,} more"


def more_of(total: int, shown: int) -> str:
    """What a list leaves off at its end, of a total that counts up to COUNTED."""
    return more(total - shown) if total <= COUNTED else f"and more than {COUNTED - shown:,} more"


def earlier(count: int) -> str:
    """What a list leaves off at its beginning."""
    return f"{counted(count, 'earlier round')} left off"


def progress(reported: Progress | CrewUnavailable, bar: str) -> str:
    """What the crew says about itself; `bar` is empty when it gives no numbers."""
    if isinstance(reported, CrewUnavailable):
        return f"The crew does not answer ({one_line(reported.why, shared.ANSWER_LIMIT)})."
    word = one_line(reported.word, shared.ID_LIMIT)
    parts = [bar or f"The crew says “{word}”"]
    if bar and reported.status is not CrewStatus.RUNNING:
        parts.append(word)
    if reported.current_task:
        parts.append(f"now at {shared.title(reported.current_task)}")
    if reported.error:
        parts.append(f"the error: {one_line(reported.error, shared.ANSWER_LIMIT)}")
    return " · ".join(parts)


NO_ROUNDS: Final = "Nothing has come for review yet."


def ambiguous(prefix: str) -> str:
    """A beginning that several executions share."""
    return f"Several executions begin with {shared.identifier(prefix)}. Which one?"


def unknown_execution(prefix: str) -> str:
    """No execution's id begins so."""
    return (
        f"I know no execution that begins with {shared.identifier(prefix)}. "
        f"`{COMMAND} status` shows those that are not settled."
    )


REFRESH: Final = "Refresh"


RUNNING: Final = "*Running*"


CREWS: Final = "*Crews*"


NOTHING_RUNS: Final = "Nothing runs that I know of."


def reached(crew: CrewHealth) -> str:
    """Whether a crew answers."""
    name = shared.bold(shared.crew(crew.crew))
    if crew.warning is not None:
        return f":red_circle: {name}: {one_line(crew.warning, shared.ANSWER_LIMIT)}"
    milliseconds = int(crew.took / timedelta(milliseconds=1))
    return f":large_green_circle: {name} answers in {milliseconds:,} ms"


def running(execution: Execution, now: datetime, bar: str) -> str:
    """An execution that runs."""
    return (
        f"• {shared.bold(shared.crew(execution.crew))} · "
        f"{shared.identifier(execution.execution_id)} · "
        f"since {ago(execution.began_at, now)} · {bar or tasks(execution.completed_tasks)}"
    )


def step(doing: str) -> str:
    """What an agent does just now."""
    return f"Latest step: {one_line(doing, shared.ANSWER_LIMIT)}"


def as_of(at: str) -> str:
    """When this was true."""
    return f"As of {at}"

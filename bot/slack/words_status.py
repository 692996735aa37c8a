"""What `/crew status` says beyond rounds. See `words`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.domain.execution import Run
from bot.slack.blockkit.text import ago, one_line
from bot.slack.executions.strings import tasks
from bot.slack.reviews import strings as words
from bot.usecases.queries.crews import Reached

REFRESH: Final = "Refresh"
RUNNING: Final = "*Running*"
CREWS: Final = "*Crews*"
NOTHING_RUNS: Final = "Nothing runs that I know of."


def reached(crew: Reached) -> str:
    """Whether a crew answers."""
    name = words.bold(words.crew(crew.crew))
    if crew.trouble is not None:
        return f":red_circle: {name}: {one_line(crew.trouble, words.ANSWER_LIMIT)}"
    milliseconds = int(crew.took / timedelta(milliseconds=1))
    return f":large_green_circle: {name} answers in {milliseconds:,} ms"


def running(run: Run, now: datetime, bar: str) -> str:
    """An execution that runs."""
    return (
        f"• {words.bold(words.crew(run.crew))} · {words.identifier(run.execution_id)} · since "
        f"{ago(run.began_at, now)} · {bar or tasks(run.finished)}"
    )


def step(doing: str) -> str:
    """What an agent does just now."""
    return f"Latest step: {one_line(doing, words.ANSWER_LIMIT)}"


def as_of(at: str) -> str:
    """When this was true."""
    return f"As of {at}"

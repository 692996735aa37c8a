"""What is said about an execution: how far it is, what it finished, how it ended."""

from __future__ import annotations

from typing import Final

from bot.domain.execution import Execution, ExecutionState, TaskUpdate
from bot.slack import strings as shared
from bot.slack.blockkit.text import one_line, plain

_SUMMARY_LIMIT: Final = 300
_VALUE_LIMIT: Final = 200
_INPUTS_SHOWN: Final = 10


def headline(execution: Execution) -> str:
    """The first line of the message that shows how far an execution is."""
    who = f" · started by {shared.person(execution.starter)}" if execution.starter else ""
    crew = shared.bold(shared.crew(execution.crew))
    return f"{crew} · {shared.identifier(execution.execution_id)}{who}"


def inputs(execution: Execution) -> str:
    """What it was started with; empty when it was not started from Slack."""
    lines = [
        f"• {shared.input_name(name)}: {one_line(value, _VALUE_LIMIT)}"
        for name, value in execution.inputs[:_INPUTS_SHOWN]
    ]
    left = len(execution.inputs) - _INPUTS_SHOWN
    return "\n".join([*lines, f"• and {left} more"] if left > 0 else lines)


def progress(execution: Execution, bar: str) -> str:
    """The line that moves."""
    match execution.state:
        case ExecutionState.RUNNING:
            parts = [":hourglass_flowing_sand: " + (bar or tasks(execution.completed_tasks))]
            if execution.current_task:
                parts.append(f"now at {shared.title(execution.current_task)}")
        case ExecutionState.COMPLETED:
            parts = [f":white_check_mark: Completed · {bar or tasks(execution.completed_tasks)}"]
        case ExecutionState.FAILED:
            parts = [f":x: Failed · {bar or tasks(execution.completed_tasks)}"]
        case ExecutionState.GONE:  # pragma: no branch  # there is no fifth
            parts = [f":grey_question: Ended: {shared.EXECUTION_GONE}"]
    if execution.tokens is not None:
        parts.append(f"{execution.tokens:,} tokens")
    return " · ".join(parts)


def tasks(count: int) -> str:
    """How many tasks are done, when nobody says of how many."""
    if count == 0:
        return "Under way"
    return f"{count:,} task done" if count == 1 else f"{count:,} tasks done"


def progress_plain(execution: Execution) -> str:
    """The same for notifications."""
    return f"{plain(execution.crew, shared.CREW_LIMIT)}: {execution.state.value.lower()}"


def task_done(update: TaskUpdate) -> str:
    """A finished task in one line."""
    title = shared.bold(shared.title(update.title))
    summary = one_line(update.summary, _SUMMARY_LIMIT)
    by = one_line(update.agent or "", shared.AGENT_LIMIT)
    said = f": {summary}" if summary else " is done"
    return f":heavy_check_mark: {title}{said}{f' · {by}' if by else ''}"


def task_done_plain(update: TaskUpdate) -> str:
    """The same for notifications."""
    return f"{shared.title_plain(update.title)} is done"


def ended(execution: Execution) -> str:
    """How it ended, told once to whoever started it."""
    who = f"{shared.person(execution.starter)}, " if execution.starter else ""
    crew = shared.bold(shared.crew(execution.crew))
    match execution.state:
        case ExecutionState.FAILED:
            why = one_line(execution.error, shared.ANSWER_LIMIT) or "it did not say why"
            return f":x: {who}{crew} failed: {why}"
        case ExecutionState.GONE:
            return (
                f":grey_question: {who}{crew} does not know this execution any more. What waited "
                "here is closed; start it again if it is still needed."
            )
        case _:
            result = "" if execution.result else ". The crew has not told its result"
            return f":checkered_flag: {who}{crew} has finished{result}."


def ended_plain(execution: Execution) -> str:
    """The same for notifications."""
    did = {ExecutionState.FAILED: "failed", ExecutionState.GONE: "is gone"}.get(
        execution.state, "has finished"
    )
    return f"{plain(execution.crew, shared.CREW_LIMIT)} {did}"


def forward_failed(kind: str) -> str:
    """A caller's address did not take a webhook."""
    return (
        f":warning: A {kind} webhook of this execution could not be forwarded: the address its "
        "caller gave refused it or did not answer. It is not tried again."
    )


RESULT_FILE: Final = "result"
RESULT_TITLE: Final = "The whole result"
RESULT_FILE_FAILED: Final = (
    ":warning: Slack does not take the whole result as a file, so only its beginning is shown "
    "here. The crew has all of it."
)

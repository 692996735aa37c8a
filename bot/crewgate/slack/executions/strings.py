"""Sentences about an execution: progress, finished tasks, the end."""

from __future__ import annotations

from typing import Final, assert_never

from crewgate.domain.execution import Execution, ExecutionState, TaskUpdate
from crewgate.domain.given import shown
from crewgate.domain.review import Round
from crewgate.slack import icons, phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.phrases import ANSWER_LIMIT, EXECUTION_GONE
from crewgate.usecases.read_models import ExecutionPosting

#: Of a finished task; eight of them fit into one section.
_SUMMARY_LIMIT: Final = 120
_AGENT_LIMIT: Final = 40
_VALUE_LIMIT: Final = 200
_INPUTS_SHOWN: Final = 10


def headline(execution: Execution) -> str:
    """The first line of the message that shows how far an execution is."""
    who = f" · started by {shared.person(execution.starter)}" if execution.starter else ""
    crew = shared.bold(shared.crew(execution.crew))
    return f"{crew} · {shared.identifier(execution.execution_id)}{who}"


def inputs(execution: Execution) -> str:
    """Its inputs; empty when it was not started from Slack."""
    given = shown(execution.inputs)
    lines = [
        f"• {shared.input_name(name)}: {one_line(value, _VALUE_LIMIT)}"
        for name, value in given[:_INPUTS_SHOWN]
    ]
    left = len(given) - _INPUTS_SHOWN
    return "\n".join([*lines, f"• and {left} more"] if left > 0 else lines)


def progress(execution: Execution, bar: str) -> str:
    """The line that moves."""
    match execution.state:
        case ExecutionState.RUNNING:
            parts = [f"{icons.RUNNING} {bar or tasks(execution.completed_tasks)}"]
            if execution.current_task:
                parts.append(f"now at {shared.title(execution.current_task)}")
        case ExecutionState.COMPLETED:
            parts = [f":checkered_flag: Completed · {bar or tasks(execution.completed_tasks)}"]
        case ExecutionState.FAILED:
            parts = [f":x: Failed · {bar or tasks(execution.completed_tasks)}"]
        case ExecutionState.GONE:
            parts = [f":grey_question: Ended: {EXECUTION_GONE}"]
        case _:
            assert_never(execution.state)
    if execution.tokens is not None:
        parts.append(f"{execution.tokens:,} tokens")
    return shared.joined(*parts)


def tasks(count: int) -> str:
    """The number of finished tasks, when nobody says of how many."""
    return f"{shared.counted(count, 'task')} done" if count else "Under way"


def progress_plain(execution: Execution) -> str:
    """The same for notifications."""
    return f"{shared.crew(execution.crew, shared.PLAIN)}: {execution.state.value.lower()}"


def finished(posting: ExecutionPosting) -> str:
    """The finished tasks, a line each; empty while there is none."""
    before = posting.finished_before
    earlier = [f"… and {shared.counted(before, 'task')} before"] if before else []
    return "\n".join([*earlier, *map(_task_done, posting.finished)])


def _task_done(update: TaskUpdate) -> str:
    title = shared.bold(shared.title(update.title))
    summary = one_line(update.summary, _SUMMARY_LIMIT)
    by = one_line(update.agent or "", _AGENT_LIMIT)
    said = f": {summary}" if summary else " is done"
    return f"{icons.DONE} {title}{said}{f' · {by}' if by else ''}"


def ended(execution: Execution, approved: Round | None = None) -> str:
    """Tell its starter, once, how it ended; the result may be a round that was approved."""
    who = f"{shared.person(execution.starter)}, " if execution.starter else ""
    crew = shared.bold(shared.crew(execution.crew))
    match execution.state:
        case ExecutionState.FAILED:
            why = one_line(execution.error, ANSWER_LIMIT) or "it did not say why"
            return f":x: {who}{crew} failed: {why}"
        case ExecutionState.GONE:
            return (
                f":grey_question: {who}{crew} does not know this execution. What waited here is "
                "closed; start it again if it is still needed."
            )
        case _:
            return f":checkered_flag: {who}{crew} has finished.{_result(execution, approved)}"


def _result(execution: Execution, approved: Round | None) -> str:
    if execution.result is None:
        return " The crew has not told its result."
    if approved is None or approved.decision is None:
        return ""
    round_ = f"round {approved.number} of {shared.bold(shared.task(approved))}"
    who = phrases.decider(approved.decision)
    return f" The result is {round_}, which {who} approved."


def ended_plain(execution: Execution) -> str:
    """The same for notifications."""
    did = {ExecutionState.FAILED: "failed", ExecutionState.GONE: "is gone"}.get(
        execution.state, "has finished"
    )
    return f"{shared.crew(execution.crew, shared.PLAIN)} {did}"


def forward_failed(kind: str) -> str:
    """A caller's address did not take a webhook."""
    return (
        f":exclamation: A {kind} webhook of this execution could not be forwarded: the address its "
        "caller gave refused it or did not answer. It is not tried again."
    )


RESULT_FILE: Final = "result"
RESULT_TITLE: Final = "The whole result"
RESULT_FILE_FAILED: Final = (
    ":exclamation: Slack does not take the whole result as a file, so only its beginning is shown "
    "here. The crew has all of it."
)

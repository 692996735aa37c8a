"""Messages about an execution; agents' words are never trusted."""

from collections.abc import Sequence
from itertools import starmap
from typing import Final, assert_never

from crewgate.domain.execution import Execution, ExecutionState, id_beginning
from crewgate.domain.notification import Format, shown
from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import Round
from crewgate.slack.blockkit.blocks import Message, context, present, push_text, section
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.reviews.output import NO_OUTPUT, output_in_message
from crewgate.slack.words import decisions, icons, names
from crewgate.slack.words.decisions import ANSWER_LIMIT, EXECUTION_GONE
from crewgate.slack.words.names import PLAIN
from crewgate.slack.words.people import FILES_REFUSED, FORWARD_REFUSED, with_operators
from crewgate.usecases.read_models import ExecutionPosting

RESULT_TITLE: Final = "The whole result"
_VALUE_LIMIT: Final = 200
_INPUTS_SHOWN: Final = 10
_WAITING_SHOWN: Final = 5
_BAR_CELLS: Final = 12
"""Twelve cells are exact for two, three, four, six and twelve tasks."""


def render_progress(
    posting: ExecutionPosting,
    starter: ReviewerRef | None = None,
    waiting: Sequence[tuple[Round, Sequence[ReviewerRef]]] = (),
    *,
    run_url: str = "",
) -> Message:
    """Render progress; `waiting` are waiting rounds, each with the people who have not decided."""
    execution = posting.execution
    who = f"started by {names.reviewer(starter)}" if starter is not None else ""
    inputs = _inputs(execution)
    removed = names.removed(execution.removed_at) if execution.removed_at else ""
    blocks = present(
        section(f":rocket: {names.joined(*title_parts(execution), who, names.run(run_url))}"),
        section(inputs) if inputs else None,
        context(names.joined(_finished(posting), _progress(posting, waiting))),
        context(removed) if removed else None,
    )
    state = "waits for a decision" if waiting else execution.state.value.lower()
    return Message(push_text(f"{names.crew(execution.crew, PLAIN)}: {state}"), blocks)


def render_end(
    posting: ExecutionPosting, starter: ReviewerRef | None = None, *, run_url: str = ""
) -> Message:
    """Render the end, with the result's beginning unless a card above shows it."""
    execution, approved = posting.execution, posting.approved
    result = execution.result if approved is None else None
    output = output_in_message(result) if result else NO_OUTPUT
    blocks = [section(_ended(execution, starter, approved)), *output.blocks]
    if execution.removed_at is not None:
        blocks.append(context(names.removed(execution.removed_at)))
    if run := names.run(run_url):
        blocks.append(context(run))
    did = {ExecutionState.FAILED: "failed", ExecutionState.GONE: "is gone"}
    text = f"{names.crew(execution.crew, PLAIN)} {did.get(execution.state, 'has finished')}"
    return Message(push_text(text), blocks, too_long=output.too_long)


def render_forward_failed(kind: str, operators: Sequence[ReviewerRef] = ()) -> Message:
    sentence = (
        f":exclamation: A {kind} webhook of this execution could not be forwarded: the address its "
        "caller gave refused it or did not answer. It is not tried again."
    )
    return with_operators(Message(sentence, [section(sentence)]), operators, FORWARD_REFUSED)


def render_result_file_failed(operators: Sequence[ReviewerRef] = ()) -> Message:
    sentence = (
        ":exclamation: Slack does not take the whole result as a file, so only its beginning is "
        "shown here. The crew has all of it."
    )
    return with_operators(Message(sentence, [section(sentence)]), operators, FILES_REFUSED)


def result_file_name(execution: Execution) -> str:
    """Return `result-20260303-101119.md`: its time differs if a reopened execution ends again."""
    is_json = execution.result is not None and execution.result.format is Format.JSON
    ended = f"-{execution.ended_at:%Y%m%d-%H%M%S}" if execution.ended_at else ""
    return f"result{ended}.{'json' if is_json else 'md'}"


def title_parts(execution: Execution) -> tuple[str, ...]:
    crew, about = names.crew(execution.crew), topic(execution)
    return (names.bold(about), crew) if about else (names.bold(crew),)


def topic(execution: Execution) -> str:
    """Return an execution's topic; empty if the topic is only the beginning of its id."""
    is_id = execution.topic == id_beginning(execution.execution_id)
    return "" if is_id else one_line(execution.topic, names.TITLE_LIMIT)


def _inputs(execution: Execution) -> str:
    given = shown(execution.inputs)
    if execution.topic == ", ".join(" ".join(value.split()) for _, value in given):
        return ""
    lines = [
        f"• {names.input_name(name)}: {one_line(value, _VALUE_LIMIT)}"
        for name, value in given[:_INPUTS_SHOWN]
    ]
    left = len(given) - _INPUTS_SHOWN
    return "\n".join([*lines, f"• and {left} more"] if left > 0 else lines)


def tasks_done(completed: int, total: int) -> str:
    return f"{completed:,} of {names.counted(total, 'task')}"


def bar(completed: int | None, total: int | None) -> str:
    """Return `▓▓▓▓▓▓▓▓░░░░ 2 of 3 tasks`, or nothing if the numbers are missing or impossible."""
    if completed is None or total is None or total <= 0:
        return ""
    done = max(0, min(completed, total))
    full = _BAR_CELLS * done // total
    return f"{'▓' * full}{'░' * (_BAR_CELLS - full)} {tasks_done(done, total)}"


def _progress(
    posting: ExecutionPosting, waiting: Sequence[tuple[Round, Sequence[ReviewerRef]]]
) -> str:
    execution = posting.execution
    drawn = bar(execution.completed_tasks, execution.total_tasks)
    done = drawn or tasks(execution.completed_tasks)
    match execution.state:
        case ExecutionState.RUNNING:
            parts = [f"{icons.RUNNING} {done or 'Under way'}"]
            if waiting:
                parts = [*starmap(_waits, waiting[:_WAITING_SHOWN]), drawn]
            # While one branch of a flow waits, another may work: the working task is named too.
            waits = {round_.review.task_id for round_, _ in waiting}
            if execution.current_task and execution.current_task not in waits:
                parts.append(f"now at {_title(execution.current_task, posting)}")
        case ExecutionState.COMPLETED:
            parts = [":checkered_flag: Completed", done]
        case ExecutionState.FAILED:
            parts = [":x: Failed", done]
        case ExecutionState.GONE:
            parts = [f":grey_question: Ended: {EXECUTION_GONE}"]
        case _:
            assert_never(execution.state)
    if execution.tokens:
        parts.append(names.counted(execution.tokens, "token"))
    return names.joined(*parts)


def _waits(round_: Round, people: Sequence[ReviewerRef]) -> str:
    waits = f"{icons.WAITING} {names.bold(names.task(round_))} waits"
    if round_.rule.channel is not None:
        return f"{waits} in {names.channel(round_.rule.channel)}"
    return f"{waits} for {names.deciders(people) if people else 'a decision'}"


def _title(name: str, posting: ExecutionPosting) -> str:
    titles = {one.review.task_id: one.review.title for one in posting.rounds}
    return names.title(titles.get(name, name))


def tasks(count: int) -> str:
    return f"{names.counted(count, 'task')} done" if count else ""


def _finished(posting: ExecutionPosting) -> str:
    before = posting.finished_before
    earlier = f"{icons.DONE} {names.counted(before, 'task')} before" if before else ""
    finished = (f"{icons.DONE} {_title(one.title, posting)}" for one in posting.finished)
    return names.joined(earlier, *finished)


def _ended(execution: Execution, starter: ReviewerRef | None, approved: Round | None) -> str:
    who = f"{names.reviewer(starter)}, " if starter is not None else ""
    crew = names.bold(names.crew(execution.crew))
    match execution.state:
        case ExecutionState.FAILED:
            silent = "" if execution.removed_at else "it did not say why"
            why = one_line(execution.error, ANSWER_LIMIT) or silent
            return f":x: {who}{crew} failed{f': {why}' if why else '.'}"
        case ExecutionState.GONE:
            return (
                f":grey_question: {who}{crew} does not know this execution. What waited here is "
                "closed; start it again if it is still needed."
            )
        case _:
            return f":checkered_flag: {who}{crew} has finished.{_result(execution, approved)}"


def _result(execution: Execution, approved: Round | None) -> str:
    if execution.result is None:
        return "" if execution.removed_at else " The crew has not told its result."
    if approved is None or approved.decision is None:
        return ""
    round_ = f"round {approved.number} of {names.bold(names.task(approved))}"
    return f" The result is {round_}, which {decisions.decider(approved.decision)} approved."

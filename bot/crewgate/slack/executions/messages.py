"""Messages about an execution, rendered; nothing an agent wrote is trusted."""

from collections.abc import Sequence

from crewgate.domain.execution import Execution
from crewgate.domain.notification import Format
from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import Round
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Message, context, notification, section
from crewgate.slack.executions import strings
from crewgate.slack.reviews.calls import FILES_REFUSED, FORWARD_REFUSED, with_operators
from crewgate.slack.reviews.output import NO_OUTPUT, output_in_message
from crewgate.usecases.read_models import ExecutionPosting


def render_progress(
    posting: ExecutionPosting,
    starter: ReviewerRef | None = None,
    waiting: Sequence[tuple[Round, Sequence[ReviewerRef]]] = (),
) -> Message:
    """Show how far an execution is; the first message of a thread that was started from Slack.

    `waiting` are the rounds that wait, each with the people who have not decided.
    """
    execution = posting.execution
    inputs = strings.inputs(execution)
    moving = strings.progress(posting, waiting)
    blocks = [
        section(strings.headline(execution, starter)),
        *([section(inputs)] if inputs else []),
        context(shared.joined(strings.finished(posting), moving)),
        *([context(shared.removed(execution.removed_at))] if execution.removed_at else []),
    ]
    text = strings.progress_plain(execution, is_waiting=bool(waiting))
    return Message(notification(text), blocks)


def render_end(posting: ExecutionPosting, starter: ReviewerRef | None = None) -> Message:
    """Say how an execution ended, with its result as Markdown, or the beginning of it.

    A result that stands above, on the card where it was approved, is not repeated.
    """
    execution, approved = posting.execution, posting.approved
    result = execution.result if approved is None else None
    output = output_in_message(result) if result else NO_OUTPUT
    blocks = [section(strings.ended(execution, starter, approved)), *output.blocks]
    text = notification(strings.ended_plain(execution))
    return Message(text, blocks, too_long=output.too_long)


def render_forward_failed(kind: str, operators: Sequence[ReviewerRef] = ()) -> Message:
    sentence = strings.forward_failed(kind)
    return with_operators(Message(sentence, [section(sentence)]), operators, FORWARD_REFUSED)


def render_result_file_failed(operators: Sequence[ReviewerRef] = ()) -> Message:
    message = Message(strings.RESULT_FILE_FAILED, [section(strings.RESULT_FILE_FAILED)])
    return with_operators(message, operators, FILES_REFUSED)


def result_file_name(execution: Execution) -> str:
    """Return the name of the file with the whole result: `result-20260303-101119.md`.

    An execution may end again, in the same thread, and a file is known by its name.
    """
    is_json = execution.result is not None and execution.result.format is Format.JSON
    ended = f"-{execution.ended_at:%Y%m%d-%H%M%S}" if execution.ended_at else ""
    return f"{strings.RESULT_FILE}{ended}.{'json' if is_json else 'md'}"

"""Messages about an execution, rendered; nothing an agent wrote is trusted."""

from __future__ import annotations

from bot.domain.execution import Run, TaskNews
from bot.domain.notification import Format
from bot.slack.blockkit.blocks import Message, context, notification, section
from bot.slack.executions import strings
from bot.slack.executions.progress_bar import bar
from bot.slack.output import output_in_message
from bot.usecases.read_models import Progress


def render_progress(run: Run) -> Message:
    """How far an execution is; the first message of a thread that was started from Slack."""
    inputs = strings.inputs(run)
    blocks = [
        section(strings.headline(run)),
        *([section(inputs)] if inputs else []),
        context(strings.progress(run, bar_of(run))),
    ]
    return Message(notification(strings.progress_plain(run)), blocks)


def render_task_done(news: TaskNews) -> Message:
    """A finished task in one line."""
    return Message(notification(strings.task_done_plain(news)), [context(strings.task_done(news))])


def render_end(run: Run) -> Message:
    """How an execution ended, with its result as Markdown, or the beginning of it."""
    shown, excerpted = output_in_message(run.result) if run.result else ([], False)
    blocks = [section(strings.ended(run)), *shown]
    return Message(notification(strings.ended_plain(run)), blocks, excerpted)


def render_not_handed_on(kind: str) -> Message:
    """A caller's address did not take a webhook."""
    sentence = strings.not_handed_on(kind)
    return Message(sentence, [section(sentence)])


def result_file_name(run: Run) -> str:
    """What the file with the whole result is called."""
    is_json = run.result is not None and run.result.format is Format.JSON
    return f"{strings.RESULT_FILE}.{'json' if is_json else 'md'}"


def bar_of(run: Run) -> str:
    """The progress as a bar; nothing while the number of tasks is not known."""
    return bar(Progress("", completed_tasks=run.finished, total_tasks=run.total))

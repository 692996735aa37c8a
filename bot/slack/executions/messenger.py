"""Messages about executions: `usecases.ports.slack.ExecutionMessenger` on Slack's Web API."""

from __future__ import annotations

from datetime import datetime

from bot.domain.execution import TaskUpdate
from bot.domain.outcome import NotSent, Outcome, Refused, Unknown
from bot.slack.blockkit.blocks import Message
from bot.slack.client.posting import Poster
from bot.slack.client.web_api import CallFailed, outcome_of
from bot.slack.executions import strings
from bot.slack.executions.messages import (
    render_end,
    render_forward_failed,
    render_progress,
    render_task_done,
    result_file_name,
)
from bot.usecases.ports.slack import MessageKind, Posted
from bot.usecases.read_models import ExecutionPosting, MessageRef


class SlackExecutionMessenger:
    """Renders messages about executions, and has them posted, updated and found."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    async def say(
        self,
        what: MessageKind,
        view: ExecutionPosting,
        *,
        channel: str,
        posted_since: datetime | None,
        subject: str = "",
        news: TaskUpdate | None = None,
    ) -> Posted | NotSent | Refused | Unknown:
        """See `ExecutionMessenger`."""
        message = _render(what, view, subject, news)
        try:
            ref = await self._poster.post(
                f"{what.value} {view.execution.crew} {view.execution.execution_id} {subject}",
                message,
                channel=channel,
                thread_ts=view.thread_ts,
                posted_since=posted_since,
            )
        except CallFailed as error:
            return error.failure
        return Posted(ref, excerpted=message.excerpted)

    async def update(self, view: ExecutionPosting) -> Outcome:
        """See `ExecutionMessenger`."""
        assert view.progress_message is not None  # noqa: S101  # the caller's to check
        message = render_progress(view.execution)
        return await outcome_of(self._poster.update(view.progress_message, message))

    async def attach_result(
        self, view: ExecutionPosting, *, posted_since: datetime | None
    ) -> Outcome:
        """See `ExecutionMessenger`."""
        # It follows the message that excerpts it, in its ordering key.
        assert view.execution.result is not None  # noqa: S101
        assert view.channel is not None  # noqa: S101
        assert view.thread_ts is not None  # noqa: S101
        return await outcome_of(
            self._poster.upload(
                MessageRef(view.channel, view.thread_ts, view.thread_ts),
                name=result_file_name(view.execution),
                title=strings.RESULT_TITLE,
                content=view.execution.result.text,
                posted_since=posted_since,
            )
        )


def _render(
    what: MessageKind, view: ExecutionPosting, subject: str, news: TaskUpdate | None
) -> Message:
    match what:
        case MessageKind.TASK:
            assert news is not None  # noqa: S101  # the caller's to bring
            return render_task_done(news)
        case MessageKind.END:
            return render_end(view.execution)
        case MessageKind.FORWARD_FAILED:
            return render_forward_failed(subject)
        case _:
            return render_progress(view.execution)

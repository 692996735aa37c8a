"""Messages about executions: `usecases.ports_runs.RunMessenger` on Slack's Web API."""

from __future__ import annotations

from datetime import datetime

from bot.domain.execution import TaskNews
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.slack.blockkit.blocks import Message
from bot.slack.client.web_api import CallFailed, attempt, call
from bot.slack.executions import strings
from bot.slack.executions.messages import (
    render_end,
    render_not_handed_on,
    render_progress,
    render_task_done,
    result_file_name,
)
from bot.slack.messenger import SlackMessenger
from bot.usecases.ports.slack import Posted, Saying
from bot.usecases.read_models import MessageRef, RunView


class SlackRunMessenger:
    """Posts and updates through the messenger that posts the cards."""

    def __init__(self, messenger: SlackMessenger) -> None:
        self._messenger = messenger
        self._client = messenger._client

    async def say(
        self,
        what: Saying,
        view: RunView,
        *,
        channel: str,
        look_since: datetime | None,
        subject: str = "",
        news: TaskNews | None = None,
    ) -> Posted | NotSent | Refused | Unknown:
        """See `RunMessenger`."""
        message = _render(what, view, subject, news)
        try:
            ref = await self._messenger._post(
                f"{what.value} {view.run.crew} {view.run.execution_id} {subject}",
                message,
                channel=channel,
                thread_ts=view.thread_ts,
                look_since=look_since,
            )
        except CallFailed as error:
            return error.failure
        return Posted(ref, excerpted=message.excerpted)

    async def update(self, view: RunView) -> Outcome:
        """See `RunMessenger`."""
        assert view.line is not None  # noqa: S101  # the caller's to check
        message = render_progress(view.run)
        try:
            await call(
                self._client,
                "chat.update",
                channel=view.line.channel,
                ts=view.line.ts,
                text=message.text,
                blocks=message.blocks,
            )
        except CallFailed as error:
            return error.failure
        return Delivered()

    async def attach_result(self, view: RunView, *, look_since: datetime | None) -> Outcome:
        """See `RunMessenger`."""
        # It follows the message that excerpts it, in its lane.
        assert view.run.result is not None  # noqa: S101
        assert view.channel is not None  # noqa: S101
        assert view.thread_ts is not None  # noqa: S101
        name = result_file_name(view.run)
        thread = MessageRef(view.channel, view.thread_ts, view.thread_ts)
        try:
            if look_since is not None and await self._messenger._find_file(
                thread, name, look_since
            ):
                return Delivered()
            await attempt(
                self._client.files_upload_v2(
                    channel=view.channel,
                    thread_ts=view.thread_ts,
                    filename=name,
                    title=strings.RESULT_TITLE,
                    content=view.run.result.text,
                )
            )
        except CallFailed as error:
            return error.failure
        return Delivered()


def _render(what: Saying, view: RunView, subject: str, news: TaskNews | None) -> Message:
    match what:
        case Saying.TASK:
            assert news is not None  # noqa: S101  # the caller's to bring
            return render_task_done(news)
        case Saying.END:
            return render_end(view.run)
        case Saying.NOT_HANDED_ON:
            return render_not_handed_on(subject)
        case _:
            return render_progress(view.run)

"""Messages about executions that must arrive: a part of `usecases.ports.slack.Messenger`."""

from __future__ import annotations

from datetime import datetime

from crewgate.domain.outcome import Outcome
from crewgate.domain.people import Role
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.blockkit.text import clean
from crewgate.slack.client.posting import Poster
from crewgate.slack.client.web_api import CallFailed, outcome_of
from crewgate.slack.executions.messages import (
    render_end,
    render_forward_failed,
    render_progress,
    render_result_file_failed,
    result_file_name,
)
from crewgate.slack.executions.strings import RESULT_TITLE
from crewgate.slack.reviews.calls import with_operators
from crewgate.slack.reviews.notice_strings import FILES_REFUSED, FORWARD_REFUSED
from crewgate.slack.reviews.people import People
from crewgate.usecases.ports.base import OffLoop
from crewgate.usecases.ports.slack import Posted, PostOutcome
from crewgate.usecases.read_models import ExecutionPosting, MessageRef


class ExecutionMessenger:
    """Renders messages about executions, and has them posted and updated."""

    def __init__(
        self,
        poster: Poster,
        *,
        off_loop: OffLoop,
        people: People,
    ) -> None:
        self._poster = poster
        self._off_loop = off_loop
        self._people = people

    async def post_progress(
        self, posting: ExecutionPosting, *, channel: str, posted_since: datetime | None
    ) -> PostOutcome:
        """See `Messenger`."""
        return await self._post(
            f"progress {_key(posting)}",
            render_progress(posting),
            channel=channel,
            thread_ts=posting.thread_ts,
            posted_since=posted_since,
        )

    async def update_progress(self, posting: ExecutionPosting) -> Outcome:
        """See `Messenger`."""
        assert posting.progress_message is not None  # noqa: S101  # the caller's to check
        message = render_progress(posting)
        return await outcome_of(self._poster.update(posting.progress_message, message))

    async def post_result(
        self,
        posting: ExecutionPosting,
        *,
        occasion: str,
        channel: str,
        posted_since: datetime | None,
    ) -> PostOutcome:
        """See `Messenger`."""
        return await self._post(
            f"end {_key(posting)} {occasion}",
            await self._off_loop(render_end, posting),
            channel=channel,
            thread_ts=posting.thread_ts,
            posted_since=posted_since,
        )

    async def attach_result(
        self, posting: ExecutionPosting, *, posted_since: datetime | None
    ) -> Outcome:
        """See `Messenger`."""
        # It follows the message that excerpts it, in its ordering key.
        assert posting.execution.result is not None  # noqa: S101
        assert posting.channel is not None  # noqa: S101
        assert posting.thread_ts is not None  # noqa: S101
        return await outcome_of(
            self._poster.upload(
                MessageRef(posting.channel, posting.thread_ts, posting.thread_ts),
                name=result_file_name(posting.execution),
                title=RESULT_TITLE,
                content=await self._off_loop(clean, posting.execution.result.text),
                posted_since=posted_since,
            )
        )

    async def post_result_file_failed(
        self,
        posting: ExecutionPosting,
        *,
        occasion: str,
        channel: str,
        posted_since: datetime | None,
    ) -> PostOutcome:
        """See `Messenger`."""
        return await self._post(
            f"result file failed {_key(posting)} {occasion}",
            self._with_operators(
                render_result_file_failed(), posting.execution.crew, FILES_REFUSED
            ),
            channel=channel,
            thread_ts=posting.thread_ts,
            posted_since=posted_since,
        )

    async def post_forward_failed(
        self,
        posting: ExecutionPosting,
        kind: str,
        *,
        occasion: str,
        channel: str,
        posted_since: datetime | None,
    ) -> PostOutcome:
        """See `Messenger`."""
        return await self._post(
            f"forward failed {_key(posting)} {kind} {occasion}",
            self._with_operators(
                render_forward_failed(kind), posting.execution.crew, FORWARD_REFUSED
            ),
            channel=channel,
            thread_ts=posting.thread_ts,
            posted_since=posted_since,
        )

    async def _post(
        self,
        key: str,
        message: Message,
        *,
        channel: str,
        thread_ts: str | None,
        posted_since: datetime | None,
        broadcast: bool = False,
    ) -> PostOutcome:
        try:
            ref = await self._poster.post(
                key,
                message,
                channel=channel,
                thread_ts=thread_ts,
                posted_since=posted_since,
                broadcast=broadcast,
            )
        except CallFailed as error:
            return error.failure
        return Posted(ref, message.shown, message.too_long)

    def _with_operators(self, message: Message, crew: str, what: str) -> Message:
        return with_operators(message, self._people(crew, Role.OPERATOR), what)


def _key(posting: ExecutionPosting) -> str:
    return f"{posting.execution.crew} {posting.execution.execution_id}"

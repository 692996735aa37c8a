"""Messages in threads: kept as notes before Slack is answered."""

from collections.abc import Awaitable, Callable
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.slack.context import Body, SlackContext
from crewgate.slack.payloads import Deleted, Edited, Written, parse_message
from crewgate.usecases.notes import change_note, delete_note, keep_note


def register(app: AsyncApp, context: SlackContext) -> None:
    # Bolt acknowledges an event before its listener; what must be on disk by then is kept before.
    app.event("message", middleware=[partial(keep_message, context=context)])(on_message)


async def on_message(ack: AsyncAck) -> None:
    """Acknowledge; keep_message did the work."""
    await ack()


async def keep_message(
    event: Body, next_: Callable[[], Awaitable[None]], *, context: SlackContext
) -> None:
    """Keep what somebody wrote in a thread, before Slack is told that it came.

    A failure is answered with an error, so that Slack tells of it again.
    """
    match parse_message(event):
        case Written(ref, by, text):
            await keep_note(ref, by=by, text=text, context=context)
        case Edited(channel, ts, text, edited_ts):
            await change_note(channel, ts, text=text, edited_ts=edited_ts, context=context)
        case Deleted(channel, ts):
            await delete_note(channel, ts, context=context)
        case None:
            pass
    await next_()

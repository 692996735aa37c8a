"""Answers that one person sees, sent to a payload's `response_url`.

By then everything has been done or refused; a lost answer loses nothing but itself.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import aiohttp
import structlog
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.webhook import WebhookResponse

from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.client.bolt import Next

log = structlog.get_logger(__name__)

Respond = Callable[..., Awaitable[Any]]
"""Bolt's `respond`: posts to the payload's `response_url`, up to 5 times in 30 minutes."""


async def answer_in_thread(req: AsyncBoltRequest, next_: Next) -> None:
    """Have a press in a thread answered there; a Bolt middleware.

    Slack answers in the channel unless it is told the thread, and nobody in the thread sees that.
    It does not say where a reply was pressed that is shown in the channel, too: most likely there.
    """
    match req.body:
        case {"message": {"subtype": "thread_broadcast"}}:
            pass
        case {"container": {"thread_ts": str(thread), "message_ts": ts}} if ts != thread:
            req.context["respond"] = partial(respond_of(req), thread_ts=thread)
    await next_()


def respond_of(req: AsyncBoltRequest) -> Respond:
    """Return Bolt's `respond`, which is always there although its type says otherwise."""
    return cast("Respond", req.context.respond)


async def send_ephemeral(
    respond: Respond, answer: str | Message, *, replace: bool = False, to_all: bool = False
) -> bool:
    """Answer the person who clicked or typed; `replace` the answer whose button was pressed.

    With `to_all` the whole channel sees it. Return False if the workspace does not take a block.
    """
    message = answer if isinstance(answer, Message) else Message(answer, [])
    return await _respond(
        respond,
        text=message.text,
        blocks=message.blocks or None,
        response_type="in_channel" if to_all else "ephemeral",
        replace_original=replace,
        unfurl_links=False,
        unfurl_media=False,
    )


async def remove_original(respond: Respond) -> None:
    """Take away the message whose button was pressed, for everybody who sees it."""
    await _respond(respond, delete_original=True)


async def _respond(respond: Respond, **answer: object) -> bool:
    try:
        answered = await respond(**answer)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        log.warning("ephemeral_lost", why=type(error).__name__)
        return True
    return not (isinstance(answered, WebhookResponse) and "invalid_blocks" in answered.body)

"""Answers that one person sees, sent to a payload's `response_url`.

By then everything has been done or refused; a lost answer loses nothing but itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import structlog

from crewgate.slack.blockkit.blocks import Message

log = structlog.get_logger(__name__)

Respond = Callable[..., Awaitable[Any]]
"""Bolt's `respond`: posts to the payload's `response_url`, up to 5 times in 30 minutes."""


async def send_ephemeral(
    respond: Respond, answer: str | Message, *, thread_ts: str | None = None
) -> None:
    """Answer the person who clicked or typed, and nobody else; in a thread if one is named."""
    message = answer if isinstance(answer, Message) else Message(answer, [])
    await _send(respond, message, replace_original=False, thread_ts=thread_ts)


async def replace_ephemeral(respond: Respond, message: Message) -> None:
    """Put a newer answer where the old one was, whose button was pressed."""
    await _send(respond, message, replace_original=True)


async def remove_original(respond: Respond) -> None:
    """Take away the message whose button was pressed, for everybody who sees it."""
    await _respond(respond, delete_original=True)


async def _send(
    respond: Respond,
    message: Message,
    *,
    replace_original: bool,
    thread_ts: str | None = None,
) -> None:
    await _respond(
        respond,
        text=message.text,
        blocks=message.blocks or None,
        response_type="ephemeral",
        replace_original=replace_original,
        thread_ts=thread_ts,
        unfurl_links=False,
        unfurl_media=False,
    )


async def _respond(respond: Respond, **answer: object) -> None:
    try:
        await respond(**answer)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        log.warning("ephemeral_lost", why=type(error).__name__)

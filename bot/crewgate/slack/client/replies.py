"""Replies to one person: ephemeral messages by a payload's `response_url`, and modals.

The action is already done or refused, so a lost reply loses nothing else. Home has a module of its
own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from crewgate.slack.blockkit.blocks import Block, Message
from crewgate.slack.client.bolt import Next
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.web_api import CallFailed, call, text_at

log = structlog.get_logger(__name__)

Respond = Callable[..., Awaitable[Any]]
"""Posts to the payload's `response_url`, up to 5 times in 30 minutes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Bolt's `respond`, on a client's connections: Bolt would open a connection for each answer."""

    client: AsyncWebClient
    url: str | None
    thread: str | None = None

    async def __call__(self, **answer: object) -> WebhookResponse:
        if self.url is None:
            raise ValueError("the payload has no response_url")
        webhook = AsyncWebhookClient(
            self.url, session=self.client.session, ssl=self.client.ssl, proxy=self.client.proxy
        )
        whole = {"text": "", **answer, "thread_ts": self.thread}
        return await webhook.send_dict({k: v for k, v in whole.items() if v is not None})


async def answer_in_place(req: AsyncBoltRequest, next_: Next) -> None:
    """Let a payload be answered on the bot's connections; a Bolt middleware.

    A press in a thread is answered in the channel, unseen from the thread, unless the answer names
    the thread. For a reply that is also in the channel, Slack does not tell the place of the press:
    most likely the channel.
    """
    thread = None
    match req.body:
        case {"message": {"subtype": "thread_broadcast"}}:
            pass
        case {"container": {"thread_ts": str(found), "message_ts": ts}} if ts != found:
            thread = found
    context = req.context
    context["respond"] = Answer(context.client, context.response_url, thread)
    await next_()


async def send_ephemeral(
    respond: Respond, answer: str | Message, *, replace: bool = False, to_all: bool = False
) -> bool:
    """Answer the person who acted, or `to_all`; return False if the workspace refuses a block."""
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
    await _respond(respond, delete_original=True)


async def _respond(respond: Respond, **answer: object) -> bool:
    try:
        answered = await respond(**answer)
    # aiohttp raises RuntimeError if the bot has closed its connections because it stops.
    except (aiohttp.ClientError, OSError, RuntimeError, TimeoutError, ValueError) as error:
        log.warning("ephemeral_lost", why=type(error).__name__)
        return True
    return not (isinstance(answered, WebhookResponse) and "invalid_blocks" in answered.body)


async def open_modal(
    identity: Identity, trigger_id: str, view: Block, *, on_top: bool = False
) -> str | None:
    """Open a modal, `on_top` of the present one; return its id, or None. A trigger lasts 3 s."""
    method = "views.push" if on_top else "views.open"
    try:
        opened = await call(identity.client, method, trigger_id=trigger_id, view=view)
        return text_at(opened, "view", "id")
    except CallFailed as error:
        identity.note_refusal(error, view)
        log.warning("modal_not_opened", method=method, why=str(error))
        return None


async def update_modal(identity: Identity, view: Block, **which: str) -> str:
    """Replace a modal by `view_id` or `external_id`, unless its `hash` is old.

    Return an empty string, or the reason for keeping the modal: Slack's code if there is one.
    """
    try:
        await call(identity.client, "views.update", **which, view=view)
    except CallFailed as error:
        identity.note_refusal(error, view)
        # This is no warning: the person may simply have closed the modal.
        log.info("modal_not_updated", why=str(error))
        return str(error)
    return ""

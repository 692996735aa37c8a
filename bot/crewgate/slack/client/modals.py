"""Opening and updating modals; Home is published by its own feature."""

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.answers import text_at
from crewgate.slack.client.web_api import CallFailed, call

log = structlog.get_logger(__name__)


async def open_modal(
    client: AsyncWebClient, trigger_id: str, view: Block, *, on_top: bool = False
) -> str | None:
    """Open a modal, and return its id; None when Slack did not. A trigger lasts 3 s.

    `on_top` puts it onto the modal that the trigger came from.
    """
    method = "views.push" if on_top else "views.open"
    try:
        answer = await call(client, method, trigger_id=trigger_id, view=view)
        return text_at(answer, "view", "id")
    except CallFailed as error:
        log.warning("modal_not_opened", method=method, why=str(error))
        return None


async def update_modal(client: AsyncWebClient, view: Block, **which: str) -> bool:
    """Replace an open modal, and return whether Slack did.

    `which` is its `view_id` or its `external_id`; with a `hash` only while nobody else updated it.
    """
    try:
        await call(client, "views.update", **which, view=view)
    except CallFailed as error:
        # The person may have closed it.
        log.info("modal_not_updated", why=str(error))
        return False
    return True

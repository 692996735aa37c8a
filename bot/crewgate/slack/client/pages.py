"""Methods that answer in pages (https://docs.slack.dev/apis/web-api/pagination)."""

from collections.abc import AsyncIterator
from typing import Any, Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.client.answers import next_cursor, objects_in, text_at
from crewgate.slack.client.web_api import attempt

log = structlog.get_logger(__name__)

#: Entries on a page; Slack takes fewer than 1,000.
#: https://docs.slack.dev/reference/methods/conversations.members
PAGE: Final = 999
#: What a broken cursor could go on for. Whoever stands beyond these pages is not found.
PAGES: Final = 200


async def pages(
    client: AsyncWebClient, method: str, **arguments: object
) -> AsyncIterator[dict[str, Any]]:
    """Yield the pages of a method. Raises CallFailed."""
    cursor = ""
    for _ in range(PAGES):
        asked = {**arguments, "limit": PAGE} | ({"cursor": cursor} if cursor else {})
        page = await attempt(client.api_call(method, params=asked), method)
        yield page
        cursor = next_cursor(page)
        if not cursor:
            return
    log.warning("channel_too_large", method=method, **arguments)


async def channel_named(client: AsyncWebClient, name: str, *, team_id: str | None) -> str | None:
    """Return the id of a channel of a workspace that the bot is in; None if there is none.

    https://docs.slack.dev/reference/methods/users.conversations. Raises CallFailed.
    """
    asked = {"types": "public_channel,private_channel", "exclude_archived": True}
    async for page in pages(client, "users.conversations", team_id=team_id, **asked):
        for one in objects_in(page, "channels"):
            if one.get("name") == name:
                return text_at(one, "id")
    return None

"""The blocks that a workspace may refuse, for which plain ones take their place."""

from collections.abc import Mapping
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.blockkit.blocks import alert, bar_chart, markdown, modal
from crewgate.slack.client import web_api

BLOCKS: Final[Mapping[str, str]] = {
    "alert": "forms warn in plain text",
    "data_visualization": "numbers have bars of text",
    "markdown": "cards leave the output to *Read all*",
}
"""Each block, with what people get instead."""
_SAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "alert": {"view": modal("A form", [alert("A warning")])},
    "data_visualization": {"message": {"blocks": [bar_chart("A", ["B"], {"C": [1]})]}},
    "markdown": {"message": {"blocks": [markdown("A text")]}},
}
#: Slack's codes for blocks that it does not take: the first two of `views.open` and its siblings,
#: the others of `blocks.validate` (https://docs.slack.dev/reference/methods/blocks.validate).
REFUSALS: Final = frozenset(
    {"invalid_arguments", "invalid_blocks", "invalid_message", "invalid_view"}
)


async def takes(block: str, client: AsyncWebClient) -> bool | None:
    """Return True if the workspace takes this block; None if Slack does not tell."""
    try:
        await web_api.attempt(client.blocks_validate(**_SAMPLES[block]))
    except web_api.CallFailed as error:
        return False if str(error) in REFUSALS else None
    return True

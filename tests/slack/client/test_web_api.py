"""What a refusal of Slack's is about, told apart by its error code."""

from __future__ import annotations

import pytest

from bot.demo.workspace import Workspace, error
from bot.domain.outcome import RefusalKind, Refused
from bot.slack.client.web_api import CallFailed, call, new_client


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_attachments", RefusalKind.CONTENT),
        ("invalid_blocks", RefusalKind.CONTENT),
        ("invalid_blocks_format", RefusalKind.CONTENT),
        ("metadata_too_large", RefusalKind.CONTENT),
        ("msg_blocks_too_long", RefusalKind.CONTENT),
        ("msg_too_long", RefusalKind.CONTENT),
        ("no_text", RefusalKind.CONTENT),
        ("message_not_found", RefusalKind.MESSAGE_GONE),
        ("thread_not_found", RefusalKind.THREAD_GONE),
        ("not_in_channel", RefusalKind.OTHER),
    ],
)
async def test_an_error_code_says_what_a_refusal_is_about(code: str, kind: RefusalKind) -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", error(code))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed) as caught:
            await call(client, "chat.postMessage", channel="C1", text="A card")
    assert caught.value.failure == Refused(code, code, kind)

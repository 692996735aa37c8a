"""What a refusal of Slack's is about, told apart by its error code."""

import traceback
from datetime import timedelta

import pytest
from aiohttp import web

from crewgate.demo.workspace import Workspace, echo, error, rate_limited
from crewgate.domain.outcome import NotSent, RefusalKind, Refused
from crewgate.slack.client.web_api import CallFailed, call, new_client, time_there
from tests.servers import serve, takes_posts

OUTPUT = "What an agent wrote"


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
        ("cant_update_message", RefusalKind.PERMANENT),
        ("edit_window_closed", RefusalKind.PERMANENT),
        ("file_uploads_disabled", RefusalKind.PERMANENT),
        ("message_limit_exceeded", RefusalKind.PERMANENT),
        ("access_denied", RefusalKind.NOT_ALLOWED),
        ("missing_scope", RefusalKind.NOT_ALLOWED),
        ("no_permission", RefusalKind.NOT_ALLOWED),
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


@pytest.mark.parametrize(
    "code",
    [
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    ],
)
async def test_what_speaks_of_the_whole_token_says_nothing_of_the_message(code: str) -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", error(code))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed) as caught:
            await call(client, "chat.postMessage", channel="C1", text="A card")
    assert caught.value.failure == NotSent(f"Slack refuses this bot: {code}", code=code)


async def test_slack_can_ask_for_five_minutes_at_most() -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", rate_limited(86_400))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed) as caught:
            await call(client, "chat.postMessage", channel="C1", text="A card")
    failure = caught.value.failure
    assert isinstance(failure, NotSent)
    assert failure.retry_after == timedelta(minutes=5)


async def test_what_slack_quotes_of_a_call_is_in_no_traceback() -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", echo("invalid_arguments"))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed, match="invalid_arguments") as caught:
            await call(client, "chat.postMessage", channel="C1", text=OUTPUT)
    assert isinstance(caught.value.failure, Refused)
    assert OUTPUT in caught.value.failure.words
    assert OUTPUT not in "".join(traceback.format_exception(caught.value))


async def test_a_slack_that_does_not_tell_the_time() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True}, headers={"Date": "soon"})

    async with serve(takes_posts("/auth.test", answer)) as url:
        assert await time_there(new_client(token="xoxb-1", base_url=f"{url}/")) is None

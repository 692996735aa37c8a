"""The Web API of the workspace, called with Slack's own client: tokens, scopes, who is who."""

from dataclasses import replace

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.demo.workspace.web_api import SCOPES
from tests.demo.builders import refusal
from tests.standins.workspace import BOT_USER_ID, Workspace, all_scopes


async def test_who_am_i(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["url"] == "https://demo.slack.com/"
    assert answer["user_id"] == BOT_USER_ID


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        ("xapp-demo", "not_allowed_token_type"),
    ],
)
async def test_tokens_are_checked(slack: Workspace, token: str | None, code: str) -> None:
    client = AsyncWebClient(token=token, base_url=slack.api_url)
    assert await refusal(client.auth_test()) == code
    assert await refusal(client.apps_connections_open(app_token="xoxb-demo")) != ""


async def test_a_revoked_token(slack: Workspace, client: AsyncWebClient) -> None:
    slack.api.revoked = True
    assert await refusal(client.auth_test()) == "token_revoked"
    slack.api.revoked = False
    assert (await client.auth_test())["ok"]


async def test_scopes_are_checked_when_they_are_given() -> None:
    async with Workspace(scopes=["chat:write"]) as slack:
        slack.add_channel("C1", "reviews")
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        await client.chat_postMessage(channel="C1", text="x")
        assert await refusal(client.conversations_history(channel="C1")) == "missing_scope"
        assert slack.api.scopes_used == {"chat:write", "channels:history"}


async def test_forms_queries_and_json_all_work(slack: Workspace) -> None:
    url = f"{slack.api_url}chat.postMessage"
    args = {"token": slack.bot_token, "channel": "C1", "text": "hi", "unfurl_links": "false"}
    async with aiohttp.ClientSession() as http:
        for request in (
            http.post(url, data=args),
            http.post(url, json=args),
            http.get(url, params=args),
        ):
            async with request as response:
                assert (await response.json())["ok"]
        async with http.post(f"{slack.api_url}no.such", data=args) as response:
            assert (await response.json())["error"] == "unknown_method"
        bad = {"Content-Type": "application/json"}
        async with http.post(url, data="{", headers=bad) as response:
            assert (await response.json())["error"] == "not_authed"
    assert [message.unfurl_links for message in slack.messages("C1")] == [False] * 3
    assert "token" not in slack.calls[0].args


async def test_people_groups_and_channels(slack: Workspace, client: AsyncWebClient) -> None:
    assert (await client.users_info(user="U1"))["user"]["profile"]["email"] == "Ana@example.com"
    assert (await client.users_lookupByEmail(email="ana@example.com"))["user"]["id"] == "U1"
    assert await refusal(client.users_lookupByEmail(email="no@example.com")) == "users_not_found"
    assert await refusal(client.users_info(user="U9")) == "user_not_found"
    assert (await client.usergroups_users_list(usergroup="S1"))["users"] == ["U2"]
    assert await refusal(client.usergroups_users_list(usergroup="S9")) == "no_such_subteam"
    assert (await client.conversations_members(channel="C1"))["members"][:2] == ["U1", "U2"]

    im = (await client.conversations_open(users="U1"))["channel"]["id"]
    assert (await client.conversations_open(users="U1"))["channel"]["id"] == im
    await client.chat_postMessage(channel="U1", text="to you")
    assert [message.text for message in slack.messages(im)] == ["to you"]


async def test_who_left_and_who_is_a_bot_get_no_direct_messages(
    slack: Workspace, client: AsyncWebClient
) -> None:
    slack.world.users["U1"] = replace(slack.world.users["U1"], deleted=True)
    assert await refusal(client.conversations_open(users="U1")) == "user_disabled"
    assert await refusal(client.conversations_open(users=BOT_USER_ID)) == "cannot_dm_bot"
    assert await refusal(client.conversations_open(users="U9")) == "user_not_found"


async def test_reading_direct_messages_has_scopes_of_its_own() -> None:
    async with Workspace(scopes=["im:write", "channels:history", "groups:history"]) as slack:
        slack.add_user("U1", "ana")
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        im = (await client.conversations_open(users="U1"))["channel"]["id"]
        assert await refusal(client.conversations_history(channel=im)) == "missing_scope"
        assert slack.api.scopes_used == {"im:write", "im:history"}


async def test_the_members_of_a_channel_come_in_pages(
    slack: Workspace, client: AsyncWebClient
) -> None:
    slack.add_channel("C7", "crowd", members=[f"U{number}" for number in range(5)])
    first = await client.conversations_members(channel="C7", limit=4)
    cursor = first["response_metadata"]["next_cursor"]
    rest = await client.conversations_members(channel="C7", limit=4, cursor=cursor)
    assert (first["members"], rest["members"]) == (["U0", "U1", "U2", "U3"], ["U4", BOT_USER_ID])
    assert rest["response_metadata"]["next_cursor"] == ""
    assert await refusal(client.conversations_members(channel="#crowd")) == "channel_not_found"


async def test_the_channels_that_the_bot_is_in(slack: Workspace, client: AsyncWebClient) -> None:
    slack.add_channel("C8", "secret", private=True)
    slack.add_channel("C9", "elsewhere", bot_is_member=False)
    answer = await client.users_conversations(types="public_channel,private_channel")
    found = {channel["id"] for channel in answer["channels"]}
    assert "C8" in found
    assert "C9" not in found
    assert {"channels:read", "groups:read"} <= slack.api.scopes_used


async def test_guests_and_people_of_other_organisations(
    slack: Workspace, client: AsyncWebClient
) -> None:
    slack.add_user("U0GUEST", "Gus", is_guest=True)
    slack.add_user("U0OTHER", "Otto", team_id="T0OTHER")
    assert (await client.users_info(user="U0GUEST"))["user"]["is_restricted"]
    assert (await client.users_info(user="U0OTHER"))["user"]["team_id"] == "T0OTHER"


def test_the_demo_grants_every_scope_that_a_method_asks_for() -> None:
    assert set(SCOPES.split(",")) == all_scopes()

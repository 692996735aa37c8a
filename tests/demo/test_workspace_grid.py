"""The workspace as one of an organisation."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.demo.builders import refusal
from tests.standins.workspace import Grid, Workspace


async def test_an_app_of_an_organisation_names_the_workspace(
    slack: Workspace, client: AsyncWebClient
) -> None:
    slack.world.grid = Grid(whole=True)
    assert await refusal(client.usergroups_users_list(usergroup="S1")) == "missing_argument"
    elsewhere = client.users_conversations(team_id="T0SALES")
    assert await refusal(elsewhere) == "team_access_not_granted"
    here = await client.usergroups_users_list(usergroup="S1", team_id="T0DEMO")
    assert here["users"] == ["U2"]
    assert await refusal(client.chat_postMessage(channel="#reviews", text="x")) == (
        "channel_not_found"
    )
    assert (await client.auth_teams_list())["teams"] == [{"id": "T0DEMO", "name": "Demo"}]


@pytest.mark.parametrize("whole", [False, True])
async def test_the_token_and_people_are_of_the_organisation(
    slack: Workspace, client: AsyncWebClient, *, whole: bool
) -> None:
    slack.world.grid = Grid(whole=whole)
    slack.add_user("U3", "otto", team_id="T0PARTNER")
    answer = await client.auth_test()
    assert (
        (answer["team_id"] == answer["enterprise_id"]) is answer["is_enterprise_install"] is whole
    )
    ours, theirs = [(await client.users_info(user=user))["user"] for user in ("U1", "U3")]
    assert ours["enterprise_user"]["enterprise_id"] == answer["enterprise_id"]
    assert "enterprise_user" not in theirs


async def test_a_channel_of_another_workspace_is_out_of_reach(
    slack: Workspace, client: AsyncWebClient
) -> None:
    slack.add_channel("C9", "sales").team_id = "T0SALES"
    posting = [client.chat_postMessage(channel="C9", text="x") for _ in range(3)]
    slack.world.grid = Grid()
    assert await refusal(posting[0]) == "channel_not_found"
    slack.world.grid = Grid(whole=True)
    assert await refusal(posting[1]) == "team_access_not_granted"
    slack.world.grid.granted.add("T0SALES")
    await posting[2]

"""The questions of `crewgate check` to Slack, and its lines if Slack does not answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.check.slack import SlackCheck
from crewgate.demo.environment import CHANNEL
from crewgate.runtime import Runtime
from crewgate.slack.client.web_api import new_client
from crewgate.slack.manifest import BOT_SCOPES
from tests.check.conftest import Ask
from tests.standins.crew import Crew
from tests.standins.workspace import Grid, Workspace, error, malformed

NO_KEYS = (
    "! SECRET_KEYS: not set, which is fine to try this out; credentials of webhooks stand in the"
    " database as they came until you set it to what `openssl rand -base64 32 | tr '+/' '-_'`"
    " prints"
)


async def test_a_good_installation_has_a_line_for_each_thing(ask: Ask) -> None:
    status, said = await ask(OPERATORS="U0CARL")

    assert status == 0, said
    assert said == [
        "✓ settings: 1 crew",
        NO_KEYS,
        "✓ database: no file yet; it is made at the first start",
        "✓ slack: crewgate in Demo",
        f"✓ scopes: all {len(BOT_SCOPES)}",
        "✓ blocks: alert, data_visualization and markdown",
        f"✓ channel {CHANNEL}: readable",
        "✓ reviewer U0ANA: Ana",
        "✓ reviewer ben@example.com: Ben",
        "✓ operator U0CARL: Carl",
        "✓ crew “research”: answers; inputs: topic",
        said[-1],
    ]


async def test_a_crew_that_takes_lessons_is_said_to(crew: Crew, ask: Ask) -> None:
    crew.inputs = ("topic", "lessons")

    status, said = await ask(REVIEWERS="U0ANA")

    assert status == 0
    at = said.index("✓ crew “research”: answers; inputs: topic, lessons")
    assert said[at + 1] == "✓ crew “research”: takes lessons"


async def test_blocks_that_the_workspace_does_not_take_are_named(
    slack: Workspace, ask: Ask
) -> None:
    slack.world.unknown_blocks.update({"alert", "data_visualization"})

    status, said = await ask(REVIEWERS="U0ANA")

    assert status == 0
    assert (
        "! blocks: this workspace refuses alert (forms warn in plain text instead) and"
        " data_visualization (numbers have bars of text instead); nothing needs to be done"
    ) in said
    slack.fail("blocks.validate", error("unknown_method"), times=None)

    status, said = await ask(REVIEWERS="U0ANA")

    assert status == 0
    assert (
        "– blocks: skipped, because Slack does not tell which this workspace takes; refused ones"
        " have plain ones in their place"
    ) in said


async def test_missing_scopes_are_named_with_what_needs_them(slack: Workspace, ask: Ask) -> None:
    slack.api.scopes = frozenset(BOT_SCOPES.keys() - {"files:write", "groups:history"})

    status, said = await ask(REVIEWERS="U0ANA")

    assert status == 1
    [line] = [line for line in said if "scopes" in line]
    assert line == (
        "✗ scopes: missing groups:history (notes in the threads of private channels);"
        " put the manifest's scopes into the app's settings and install it again"
    )


async def test_what_is_off_without_optional_scopes_is_one_line(slack: Workspace, ask: Ask) -> None:
    slack.api.scopes = frozenset(BOT_SCOPES.keys() - {"files:write", "reactions:write"})

    status, said = await ask(REVIEWERS="U0ANA")

    assert status == 0
    assert (
        "! scopes: all that are needed; off: long outputs as files and numbers as CSV, *Read all*"
        " still shows an output (files:write); acknowledging a note, which still counts"
        " (reactions:write)"
    ) in said


async def test_whoever_cannot_be_looked_up_for_want_of_a_scope_is_wrong(
    slack: Workspace, ask: Ask
) -> None:
    slack.api.scopes = frozenset(BOT_SCOPES.keys() - {"users:read.email"})

    status, said = await ask(REVIEWERS="U0ANA,ben@example.com")

    assert status == 1
    advice = "install the app again with the manifest's scopes"
    assert f"✗ reviewer ben@example.com: missing_scope: {advice}" in said


async def test_a_proxy_that_takes_the_header_away_is_no_missing_scope(
    slack: Workspace, ask: Ask
) -> None:
    where = {"team": "Demo", "team_id": "T0DEMO", "url": "https://demo.slack.com/"}
    answer = {"ok": True, "user": "crewgate", **where}
    slack.fail("auth.test", malformed(answer))

    status, said = await ask()

    assert status == 0
    assert "– scopes: skipped, because Slack's answer does not name them" in said


async def test_what_slack_does_not_answer_is_skipped_and_not_left_out(
    slack: Workspace, ask: Ask
) -> None:
    await slack.go_down()

    status, said = await ask(SLACK_APP_TOKEN=slack.app_token)

    assert status == 1
    assert [line.split(":")[0] for line in said if line.startswith("✗")] == [
        "✗ slack",
        "✗ slack socket",
    ]
    silent = "skipped, because Slack did not answer"
    assert [line for line in said if line.startswith("–")] == [
        f"– scopes: {silent}",
        f"– channel {CHANNEL}: {silent}",
        f"– reviewer U0ANA: {silent}",
        f"– reviewer ben@example.com: {silent}",
    ]
    assert not [line for line in said if "SLACK_APP_TOKEN" in line]


async def test_a_clock_that_is_not_slacks_is_wrong(slack: Workspace) -> None:
    ahead = timedelta(minutes=20)
    check = SlackCheck(
        client=new_client(token=slack.bot_token, base_url=slack.api_url),
        app_token=None,
        channels={},
        people={},
        team=None,
        owners={},
        send_test_card=False,
        clock=lambda: Runtime().clock() + ahead,
    )
    found = [str(one) async for one in check.findings()]
    assert "✗ clock: this machine's clock is 20 min ahead of Slack's" in "\n".join(found)


async def test_a_refused_token_is_not_called_silence(slack: Workspace, ask: Ask) -> None:
    slack.api.revoked = True

    status, said = await ask()

    assert status == 1
    assert "✗ slack: token_revoked: install the app again and put its new token into" in "\n".join(
        said
    )
    assert "– reviewer U0ANA: skipped, because Slack refuses the bot" in said


async def test_an_app_token_that_is_wrong_is_named(slack: Workspace, ask: Ask) -> None:
    assert "✓ slack socket: can be opened" in (await ask(SLACK_APP_TOKEN=slack.app_token))[1]

    _, said = await ask(SLACK_APP_TOKEN="xapp-wrong")

    [line] = [line for line in said if "slack socket" in line]
    assert line.startswith("✗")
    assert line.endswith("put an app-level token with connections:write into SLACK_APP_TOKEN")


async def test_people_and_groups_who_cannot_answer_are_named(slack: Workspace, ask: Ask) -> None:
    slack.world.users["U0ANA"] = replace(slack.world.users["U0ANA"], deleted=True)
    slack.add_group("S0FULL", "full", ["U0BEN"])
    slack.add_group("S0TWO", "two", ["U0BEN", "U0CARL"])
    slack.add_group("S0EMPTY", "empty", [])
    slack.add_group("S0PART", "part", ["U0ANA", "U0BEN", "U0DEMOBOT"])
    slack.add_group("S0GHOSTS", "ghosts", ["U0ANA", "U0NOBODY"])

    status, said = await ask(REVIEWERS="U0ANA,S0FULL,S0TWO,S0EMPTY,S0PART,S0GHOSTS,*")

    assert status == 1
    lines = "\n".join(said)
    assert "✗ reviewer U0ANA: this account is deactivated; name somebody else" in lines
    assert "✓ reviewer S0FULL: 1 person" in lines
    assert "✓ reviewer S0TWO: 2 people" in lines
    assert "✗ reviewer S0EMPTY: nobody is in this user group" in lines
    assert "✓ reviewer S0PART: 1 person" in lines
    assert "✗ reviewer S0GHOSTS: nobody is in this user group" in lines
    assert "✓ reviewer *: anybody in the channel" in lines


async def test_a_channel_by_name_and_one_without_the_bot(slack: Workspace, ask: Ask) -> None:
    status, said = await ask(SLACK_CHANNEL="#crew-reviews")
    assert status == 0
    better = f"readable; its id {CHANNEL} stays when it is renamed"
    assert f"✓ channel #crew-reviews: {better}" in said
    status, said = await ask(SLACK_CHANNEL="#reviews")
    assert status == 1
    problem = "the bot is in no channel of this name; /invite it, or put the channel's id"
    assert f"✗ channel #reviews: {problem}" in said
    slack.fail("conversations.members", error("missing_scope"))

    _, said = await ask()

    advice = "install the app again with the manifest's scopes"
    assert f"✗ channel {CHANNEL}: missing_scope: {advice}" in said


async def test_an_archived_channel_takes_no_messages(slack: Workspace, ask: Ask) -> None:
    slack.world.channels[CHANNEL].archived = True
    status, said = await ask()
    assert status == 1
    advice = "is_archived: unarchive the channel or name another"
    assert f"✗ channel {CHANNEL}: {advice}" in said


async def test_an_app_is_no_reviewer(ask: Ask) -> None:
    status, said = await ask(REVIEWERS="U0DEMOBOT")

    assert status == 1
    assert "✗ reviewer U0DEMOBOT: this is an app, which decides nothing; name a person" in said


@pytest.mark.parametrize(
    ("grid", "where"),
    [
        (Grid(), "Demo, a workspace of an organisation"),
        (Grid(whole=True), "Demo Inc, an organisation; for its workspace T0DEMO"),
    ],
)
async def test_an_app_in_an_organisation_says_what_it_is(
    slack: Workspace, ask: Ask, grid: Grid, where: str
) -> None:
    slack.world.grid = grid
    slack.add_group("S0TWO", "two", ["U0BEN", "U0CARL"])

    status, said = await ask(REVIEWERS="S0TWO")

    assert status == 0, said
    assert f"✓ slack: crewgate in {where}" in said
    assert "✓ reviewer S0TWO: 2 people" in said


async def test_what_is_missing_in_an_organisation_is_named(slack: Workspace, ask: Ask) -> None:
    slack.world.grid = grid = Grid(whole=True)
    slack.add_channel("C0SALES", "sales").team_id = "T0SALES"

    _, said = await ask(SLACK_CHANNEL="C0SALES", REVIEWERS="*")
    advice = "the app may not act in this workspace; have an administrator of the organisation"
    assert f"✗ channel C0SALES: team_access_not_granted: {advice} add it there" in said
    _, said = await ask(SLACK_CHANNEL="#crew-reviews")
    several = "an organisation may have several of this name"
    assert f"✗ channel #crew-reviews: {several}; put its id, {CHANNEL}" in said

    grid.granted.add("T0SALES")
    status, said = await ask()
    choose = "put one of these into SLACK_TEAM: T0DEMO Demo, T0SALES Sales"
    assert status == 1
    assert f"✗ slack: the app is in several workspaces; {choose}" in said
    assert f"– channel {CHANNEL}: skipped, because the workspace is not known" in said
    assert (await ask(SLACK_TEAM="T0DEMO"))[0] == 0

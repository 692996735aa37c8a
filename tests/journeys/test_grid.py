"""A bot in an organisation of several workspaces: Slack's Enterprise Grid."""

from collections.abc import AsyncIterator

import pytest

from crewgate.demo.environment import ANA, CHANNEL
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import home, modal
from tests.standins.workspace import Grid, Workspace

SALLY, OTTO = "W0SALLY", "U0OTTO"
"""Of the organisation's other workspace, and of another organisation; both are in the channel."""


@pytest.fixture(params=[False, True], ids=["workspace", "organisation"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[Workspace]:
    async with Workspace(grid=Grid(whole=request.param)) as slack:
        slack.add_user(SALLY, "Sally", team_id="T0SALES")
        slack.add_user(OTTO, "Otto", team_id="T0PARTNER")
        slack.add_group("S0BOARD", "board", [SALLY])
        yield slack


of_the_organisation = pytest.mark.parametrize("slack", [True], indirect=True)


async def test_people_of_the_organisation_decide_and_strangers_do_not(
    make_world: MakeWorld, slack: Workspace
) -> None:
    async with make_world(slack=slack, REVIEWERS="*") as world:
        slack.world.channels[CHANNEL].members |= {SALLY, OTTO}
        await world.pause()
        card = await world.card("A draft.")

        await slack.click(OTTO, card, "Approve")
        assert "guests and people of other organisations" in await world.told(OTTO)
        assert (await slack.write(ANA, CHANNEL, "Shorter.", card.ts)).reply.ok
        await slack.until(lambda: slack.calls_of("reactions.add"))
        assert (await world.revise(SALLY, card, "Longer.")).ok
        await world.delivered(card)
        await slack.open_home(ANA)
        await home(world, ANA, "Nothing waits")

        assert world.crew.resumes[0].human_feedback == "Longer."


async def test_a_user_group_decides(make_world: MakeWorld, slack: Workspace) -> None:
    async with make_world(slack=slack, REVIEWERS="S0BOARD") as world:
        await world.pause()
        card = await world.card("A draft.")
        assert "@board" in card.shown or "S0BOARD" in str(card.blocks)
        await slack.click(ANA, card, "Approve")
        assert "You are not a reviewer" in await world.told(ANA)
        await slack.click(SALLY, card, "Approve")
        await world.delivered(card)


async def warned(world: World, of: str) -> str:
    """Return the warnings of `/readyz` once they have these words."""
    while of not in (said := str((await world.get("/readyz"))[1])):
        pass
    return said


@of_the_organisation
async def test_one_of_several_workspaces_has_to_be_chosen(
    make_world: MakeWorld, slack: Workspace
) -> None:
    """Once it is known, it stays: an administrator may add the app to another one."""
    assert slack.world.grid is not None
    slack.world.grid.granted.add("T0SALES")
    async with make_world(slack=slack, REVIEWERS=SALLY) as world:
        await warned(world, "put one of these into SLACK_TEAM: T0DEMO Demo, T0SALES Sales")
        await world.pause()
        card = await world.card("A draft.")
        await slack.click(SALLY, card, "Approve")
        assert "could not find out from Slack which workspace" in await world.told(SALLY)
    async with make_world(slack=slack, REVIEWERS=SALLY, SLACK_TEAM="T0NONE") as world:
        await warned(world, "the app is not in SLACK_TEAM (T0NONE)")
    for team in ({"SLACK_TEAM": "T0DEMO"}, {}):
        async with make_world(slack=slack, REVIEWERS=SALLY, **team) as world:
            await slack.click(SALLY, card, "Revise")
            await modal(world, SALLY, "What should change?")
            await slack.close_modal(SALLY)


@of_the_organisation
async def test_a_channel_of_a_workspace_where_the_app_may_not_act_waits(
    make_world: MakeWorld, slack: Workspace
) -> None:
    assert slack.world.grid is not None
    slack.add_channel("C0SALES", "sales", members=[SALLY]).team_id = "T0SALES"
    channel = {"SLACK_CHANNEL": "C0SALES", "REVIEWERS": SALLY, "OPERATORS": ANA}
    async with make_world(slack=slack, SLACK_TEAM="T0DEMO", **channel) as world:
        await world.pause()
        await warned(world, "team_access_not_granted")
        slack.world.grid.granted.add("T0SALES")
        [card] = await slack.until(lambda: slack.messages("C0SALES"))
        await slack.click(SALLY, card, "Approve")
        await world.delivered(card)

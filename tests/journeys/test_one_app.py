"""Two bots on one Slack app: each gets presses on the other's cards, and both say so."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crewgate.check.run import check
from crewgate.demo.environment import ANA
from crewgate.demo.servers import free_port
from tests.journeys.conftest import AT_ONCE, MakeWorld
from tests.journeys.test_background_loops import until_warned
from tests.standins.workspace import Workspace

OFTEN = replace(AT_ONCE, ping=0.2)
SHARED = "other connections of this Slack app"


async def replace_oldest(slack: Workspace) -> None:
    """Close the oldest connection, and wait for the next."""
    ever = slack.sockets.ever
    await slack.sockets.open[0].stream.close()
    await slack.until(lambda: slack.sockets.ever > ever)


async def test_two_bots_on_one_app_say_so_until_one_has_another_app(
    make_world: MakeWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each counts when it is connected; Slack replaces a connection every few hours."""
    async with make_world(OFTEN, SLACK_APP_TOKEN="xapp-demo") as world:
        sockets = world.slack.sockets
        await world.slack.until(lambda: len(sockets.open))
        url = f"sqlite+aiosqlite:///{tmp_path / 'staging.db'}"
        with capture_logs() as logs:
            async with make_world(
                OFTEN,
                slack=world.slack,
                port=free_port(),
                DATABASE_URL=url,
                SLACK_APP_TOKEN="xapp-demo",
            ) as staging:
                await until_warned(staging, SHARED)
                capsys.readouterr()
                await check(staging.settings, show_secrets=False)
                assert f"! the bot that runs here: {SHARED}" in capsys.readouterr().out
                for _ in list(sockets.open):
                    await replace_oldest(world.slack)
                await until_warned(world, SHARED)
        assert [line["event"] for line in logs].count("slack_app_shared") >= 2
        await sockets.refresh()
        async with asyncio.timeout(60):
            while SHARED in str(await world.get("/readyz")):
                pass


async def test_a_press_on_a_card_of_another_bot_names_the_cause(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    async with make_world() as world:
        await world.pause()
        card = await world.card("A draft")
        url = f"sqlite+aiosqlite:///{tmp_path / 'staging.db'}"
        # Over HTTP all presses go to the address in the app, here the second bot's.
        async with make_world(slack=world.slack, DATABASE_URL=url) as staging:
            await world.slack.click(ANA, card, "Approve")
            assert await staging.told(ANA) == (
                "I do not know this review. It is older than my records, or another bot's: each"
                " needs a Slack app of its own. Tell whoever runs this."
            )

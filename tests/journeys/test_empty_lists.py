"""The reviewers' user group becomes empty, over real HTTP: who is told, where, and how often."""

from dataclasses import replace
from datetime import timedelta

from crewgate.demo.environment import ANA, BEN, CARL
from crewgate.slack.client.directory import RENEW
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import home, in_private, showing
from tests.journeys.test_rules import Skewed
from tests.standins.workspace import Workspace, error, message_text

LEGAL = "<!subteam^S0LEGAL>"
ENVIRONMENT = {"REVIEWERS": "S0LEGAL", "OPERATORS": CARL}
TOLD = f"nobody is in {LEGAL}"


async def readyz(world: World, says: str, *, there: bool = True) -> None:
    while (says in str((await world.get("/readyz"))[1])) is not there:
        pass  # each look is a request


async def asks_again(world: World, clock: Skewed) -> None:
    """Let the bot ask Slack about the group: time has passed, and somebody was refused."""
    clock.later += RENEW
    await world.slack.click(BEN, await world.card("A draft"), "Approve")


async def test_an_emptied_group_is_told_of_once_and_no_longer_once_it_is_filled(
    make_world: MakeWorld,
) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, steady=clock)
    async with Workspace() as slack:
        slack.add_group("S0LEGAL", "legal", [ANA])
        async with make_world(runtime, slack=slack, **ENVIRONMENT) as world:
            await world.pause()
            card = await world.shown(await world.card("A draft"), f"{LEGAL}: please decide")

            slack.add_group("S0LEGAL", "legal", [])
            await asks_again(world, clock)
            await readyz(world, "nobody is left, so reviews wait for ever: S0LEGAL")
            operator = await in_private(world, CARL, TOLD)
            await world.shown(card, f"Nobody is in {LEGAL}, so nobody may approve this")
            await world.pause(output="Another draft.", execution="e-2")
            later = await world.card("Another draft")
            assert "please decide" not in message_text(later)
            assert CARL in slack.pings(later)
            await slack.open_home(CARL)
            await home(world, CARL, "Stuck: nobody may approve: 2")
            assert f"for {LEGAL} ({TOLD})" in await world.ask(CARL, "pending")

            # Nobody is told again, whatever Slack answers meanwhile.
            slack.fail("usergroups.users.list", error("fatal_error"))
            for _ in range(2):
                await asks_again(world, clock)
            assert showing(world, TOLD, operator.channel) == [operator]

            slack.add_group("S0LEGAL", "legal", [ANA])
            await asks_again(world, clock)
            await readyz(world, "nobody is left", there=False)
            await world.shown(card, "Approve")
            await slack.click(ANA, later, "Approve")
            await world.delivered(later)
            assert showing(world, TOLD, operator.channel) == [operator]


async def test_a_group_that_is_gone_is_told_of_and_one_that_slack_does_not_name_is_not(
    make_world: MakeWorld,
) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, steady=clock)
    async with Workspace() as slack:
        slack.fail("usergroups.users.list", error("fatal_error"), times=None)
        async with make_world(runtime, slack=slack, **ENVIRONMENT) as world:
            await world.pause()
            card = await world.shown(await world.card("A draft"), "please decide")
            assert "nobody is left" not in str((await world.get("/readyz"))[1])
            slack.clear_faults()  # from here on Slack says that there is no such group
            clock.later += timedelta(seconds=1)
            await asks_again(world, clock)
            await in_private(world, CARL, TOLD)
            await world.shown(card, f"Nobody is in {LEGAL}")

"""Approvals of two user groups over real HTTP: what people see, and what a restart and Slack do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.demo.environment import ANA, BEN, CARL
from tests.journeys.conftest import AT_ONCE, MakeWorld
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, in_thread, modal
from tests.journeys.test_rules import CREWS, Skewed, soon
from tests.standins.workspace import Workspace, message_text

GROUPS = f"""{CREWS}
name = "legal and finance"
approvals_from = {{ S0LEGAL = 1, S0FINANCE = 1 }}
remind = {{ after = "2h", most = 1 }}
timeout = {{ after = "1d", then = "revise", feedback = "Nobody had time." }}
"""
LEGAL, FINANCE = "<!subteam^S0LEGAL>", "<!subteam^S0FINANCE>"


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    """Ana is in both groups, Ben in legal, Carl in finance."""
    async with Workspace() as workspace:
        workspace.add_group("S0LEGAL", "legal", [ANA, BEN])
        workspace.add_group("S0FINANCE", "finance", [ANA, CARL])
        yield workspace


async def test_each_group_approves_and_the_card_says_which_is_missing(
    make_world: MakeWorld, slack: Workspace
) -> None:
    async with make_world(crews_file=GROUPS, slack=slack, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.shown(await world.card("A draft"), f"Needs {LEGAL} and {FINANCE}")
        assert "one approval from each group, by different people" in message_text(card)
        await world.slack.click(ANA, card, "Approve")
        await world.shown(card, f"approved by <@{ANA}> of {LEGAL} · still needed: {FINANCE}")
        await world.slack.open_home(ANA)
        assert f"approved by <@{ANA}> of {LEGAL}" in (await home(world, ANA, "A draft")).shown
        assert f"approvals by {LEGAL} and {FINANCE}" in await world.ask(BEN, "rules")

    # After a restart what was approved is kept.
    async with make_world(crews_file=GROUPS, slack=slack, **ENVIRONMENT) as world:
        await world.slack.click(BEN, card, "Approve")
        said = f"Approved by <@{ANA}> of {FINANCE} and <@{BEN}> of {LEGAL}"
        await world.shown(card, said)
        slack.add_group("S0FINANCE", "finance", [CARL])
        await world.slack.overflow(BEN, card, "History")
        assert said in (await modal(world, BEN, "A draft")).shown


async def test_a_group_that_has_approved_only_sends_back(
    make_world: MakeWorld, slack: Workspace
) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, clock=clock, sleep=soon)
    slack.add_group("S0LEGAL", "legal", [ANA, BEN])
    slack.add_group("S0FINANCE", "finance", [CARL])
    async with make_world(runtime, crews_file=GROUPS, slack=slack, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.click(ANA, card, "Approve")
        await world.shown(card, "still needed")
        await world.slack.click(BEN, card, "Approve")
        assert "have approved; others have not yet" in await world.told(BEN)
        clock.later = timedelta(hours=3)
        reminder = await in_thread(world, card, "still waits for 1 more approval (Ana approved)")
        assert world.slack.pings(reminder) == {CARL}
        await world.revise(BEN, card)
        await world.delivered(card)
        assert f"1 of 2 had approved: <@{ANA}> of {LEGAL}" in message_text(world.slack.fresh(card))


async def test_where_nobody_of_a_group_decides_the_rule_does(
    make_world: MakeWorld, slack: Workspace
) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, clock=clock, sleep=soon)
    async with make_world(runtime, crews_file=GROUPS, slack=slack, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.click(CARL, card, "Approve")
        await world.shown(card, f"approved by <@{CARL}> of {FINANCE} · still needed: {LEGAL}")
        clock.later = timedelta(days=1, hours=1)
        await in_thread(world, card, "went back: 1 of 2 approvals in 1 day")
        await world.delivered(card)

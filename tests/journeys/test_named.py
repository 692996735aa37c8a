"""A kickoff names the people who decide, over real HTTP."""

import pytest

from crewgate.demo.environment import ANA, BEN, CARL
from crewgate.demo.servers import free_port
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, waiting
from tests.journeys.test_rules import CREWS
from tests.standins.workspace import Message, Workspace, error, message_text

NAMED = f"""{CREWS.replace('reviewers = ["U0ANA", "U0BEN"]', 'reviewers = ["U0ANA"]')}
name = "by manager"
reviewers_from = "inputs.manager_email"
self_approval = false
"""


async def started(world: World, manager: str, by: str = ANA) -> None:
    world.crew.human_input = None
    inputs = {"topic": "tea", "manager_email": manager}
    status, _ = await world.kick_off(inputs=inputs, meta={"started_by": by})
    assert status == 200


async def the_card(world: World) -> Message:
    return (await world.slack.until(lambda: waiting(world)))[-1]


async def test_the_manager_decides(make_world: MakeWorld) -> None:
    async with make_world(port=free_port(), crews_file=NAMED, **ENVIRONMENT) as world:
        await started(world, "ben@example.com")
        card = await the_card(world)
        assert BEN in world.slack.pings(card)
        assert f"<@{BEN}>: please decide" in message_text(card)
        await world.slack.click(CARL, card, "Approve")
        assert f"These may: <@{BEN}>" in await world.told(CARL)
        assert "of the person in `inputs.manager_email`" in await world.ask(ANA, "rules")
        await world.slack.click(BEN, card, "Approve")
        await world.delivered(card)


@pytest.mark.parametrize(
    ("manager", "why"),
    [
        ("gus@example.com", "names no full member of this workspace"),
        ("carl@example.com", "names who started this"),
        ("somebody", "is neither an e-mail address nor a user id"),
    ],
)
async def test_where_nobody_can_be_named_the_card_says_why(
    make_world: MakeWorld, manager: str, why: str
) -> None:
    async with make_world(port=free_port(), crews_file=NAMED, **ENVIRONMENT) as world:
        world.slack.add_user("U0GUS", "Gus", "gus@example.com", is_guest=True)
        await started(world, manager, by=CARL)
        card = await the_card(world)
        said = f"`inputs.manager_email` {why}, so the usual reviewers decide"
        assert said in message_text(card)
        await world.slack.click(ANA, card, "Approve")
        await world.delivered(card)


async def test_while_slack_does_not_say_who_it_is_the_card_waits_also_for_a_restart(
    make_world: MakeWorld,
) -> None:
    async with Workspace() as slack:
        async with make_world(
            port=free_port(), crews_file=NAMED, slack=slack, **ENVIRONMENT
        ) as world:
            slack.fail("users.lookupByEmail", error("internal_error"), times=None)
            await started(world, "ben@example.com")
            await slack.until(lambda: len(slack.calls_of("users.lookupByEmail")) > 2)
            assert waiting(world) == []
            await slack.open_home(ANA)
            assert "Approve" not in (await home(world, ANA, "Market research")).shown
        slack.clear_faults()
        async with make_world(
            port=free_port(), crews_file=NAMED, slack=slack, **ENVIRONMENT
        ) as world:
            assert f"<@{BEN}>: please decide" in message_text(await the_card(world))

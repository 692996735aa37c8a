"""The colour of Approve, held against a press on it: on cards, in Home and in the reader."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.demo.environment import ANA, BEN
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, modal, waiting
from tests.journeys.test_rules import Skewed
from tests.journeys.test_tool_calls import MASKED
from tests.journeys.test_walk import MINUTE
from tests.standins.workspace import Message, View


def approve(place: Message | View) -> Any:
    """Return the button of the last row."""
    row = [one for one in place.blocks if one["type"] == "actions"][-1]
    return row["elements"][0]


@pytest.mark.parametrize(
    ("call", "claimed", "asked_on_card", "asked_elsewhere"),
    [
        ({}, False, False, False),
        ({"erased": 1}, False, True, True),
        ({"may_have_run": True}, False, False, True),
        ({"arguments": {"text": "word " * 2_000}}, False, True, True),
        ({"arguments": {"to": "bob@x.example"}}, False, True, True),
        ({}, True, True, True),
    ],
)
async def test_approve_is_green_exactly_where_a_press_decides(
    make_world: MakeWorld,
    call: dict[str, Any],
    *,
    claimed: bool,
    asked_on_card: bool,
    asked_elsewhere: bool,
) -> None:
    clock = Skewed()
    at_once = replace(AT_ONCE, clock=clock)
    async with make_world(at_once, crews_file=MASKED, **ENVIRONMENT) as world:
        for place, asks in (("card", asked_on_card), ("home", asked_elsewhere)):
            waits = {
                "execution_id": f"e-{place}",
                "task_id": "pay-1",
                "tool_call": {"tool": "pay", "arguments": {"to": place}} | call,
            }
            await world.notify("/crews/research/human-input", waits)
            card = (await world.slack.until(lambda: waiting(world)))[-1]
            if claimed:
                await world.slack.click(ANA, card, "I'm on it")
                await world.shown(card, "is on it")
            clock.later += MINUTE
            shown = await at(world, place, card)
            assert ("style" in approve(shown)) is not asks
            await world.slack.click(BEN, shown, "Approve")
            if asks:
                assert not world.crew.resumes
                await world.slack.click(BEN, await modal(world, BEN), "Approve anyway")
                await modal(world, BEN, "Recorded")
                await world.slack.close_modal(BEN, all_of_them=True)
            await world.slack.until(lambda: not waiting(world))


async def at(world: World, place: str, card: Message) -> Message | View:
    if place == "card":
        return world.slack.fresh(card)
    await world.slack.open_home(BEN)
    return await home(world, BEN, "Waiting for you: 1")

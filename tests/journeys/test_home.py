"""Home: the queue of what waits."""

from __future__ import annotations

from dataclasses import replace

from bot.demo.environment import ANA, BEN, CARL
from bot.demo.workspace import buttons
from tests.journeys.conftest import World
from tests.journeys.people import home, modal


async def test_home_is_the_queue_and_stays_up_to_date(world: World) -> None:
    await world.slack.open_home(ANA)
    await home(world, ANA, "Nothing waits")

    await world.pause("draft", "# Findings\n\nThey *grow*.")
    card = await world.card("Findings")
    await world.slack.open_home(CARL)
    seen = await home(world, ANA, "Waiting for you: 1")

    assert "Findings They grow." in seen.shown
    assert buttons(seen) == ["Approve", "Revise", "Read all"]
    assert buttons(await home(world, CARL, "Waiting for others: 1")) == ["Read all"]
    await world.slack.until(lambda: card.ts.replace(".", "") in world.slack.home(ANA).shown)
    await world.slack.click(ANA, world.slack.home(ANA), "Read all")
    await modal(world, ANA, "Findings")
    await world.slack.click(ANA, world.slack.home(ANA), "Revise")
    await modal(world, ANA, "What should change?")
    await world.slack.click(ANA, seen, "Approve")
    await home(world, ANA, "Decided today: 1")
    await world.shown(card, "Sent")
    await world.slack.click(BEN, replace(seen, user=BEN), "Approve")
    assert "Ana approved" in (await modal(world, BEN)).shown.replace(f"<@{ANA}>", "Ana")


async def test_home_is_paged(world: World) -> None:
    for number in range(45):
        await world.pause("draft", f"Draft {number:02}.", f"e-{number:02}")
    await world.slack.open_home(ANA)

    first = await home(world, ANA, "Page 1 of 3")
    assert "Draft 00." in first.shown
    await world.slack.click(ANA, first, "Next page")
    second = await home(world, ANA, "Page 2 of 3")
    await world.slack.click(ANA, second, "Next page")
    third = await home(world, ANA, "Page 3 of 3")
    assert "Draft 44." in third.shown
    await world.slack.click(ANA, third, "Previous page")
    await home(world, ANA, "Page 2 of 3")

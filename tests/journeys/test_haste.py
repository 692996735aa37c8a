"""One measure of having read: every page shown, also the one under the press, on each surface."""

from datetime import timedelta
from typing import Any

import pytest

from crewgate.demo.environment import ANA
from tests.journeys.people import home, modal
from tests.journeys.test_walk import MINUTE, Walker, ana
from tests.standins.workspace import Message, buttons

__all__ = ["ana"]

#: One page of the reader, and more than a card shows whole.
PAGE = "\n\n".join(f"Line {number} says something." for number in range(200))
SECONDS = timedelta(seconds=1)
LOOKED = "*You looked at this for "


async def read_all(ana: Walker) -> None:
    card = await ana.world.card("Line 0")
    await ana.world.slack.click(ANA, card, "Read all")
    await modal(ana.world, ANA, "Line 199")


async def shown_for(ana: Walker, time: timedelta, where: str) -> tuple[Message, Any]:
    """Show a page for this time; return its card, and where the next button is pressed."""
    world = ana.world
    await ana.waits(PAGE)
    card = await world.card("Line 0")
    await world.slack.open_home(ANA)
    await read_all(ana)
    ana.clock.later += time
    reader = await modal(world, ANA)
    if where == "reader":
        return card, reader
    await world.slack.close_modal(ANA)
    return card, card if where == "card" else await home(world, ANA, "Line 0")


@pytest.mark.parametrize("where", ["reader", "card", "Home"])
async def test_a_page_that_nobody_can_have_read_is_asked_about_once(
    ana: Walker, where: str
) -> None:
    world = ana.world
    card, pressed = await shown_for(ana, 3 * SECONDS, where)
    await world.slack.click(ANA, pressed, "Approve")
    asks = await modal(world, ANA, LOOKED)
    assert buttons(asks)[0] == "Approve anyway"
    await world.slack.click(ANA, asks, "Approve anyway")
    await world.shown(card, f"<@{ANA}> looked at it for ")


@pytest.mark.parametrize("where", ["reader", "card", "Home"])
async def test_somebody_who_has_read_the_page_is_not_asked(ana: Walker, where: str) -> None:
    world = ana.world
    card, pressed = await shown_for(ana, 2 * MINUTE, where)
    if where == "reader":  # also if they look once more
        await world.slack.close_modal(ANA)
        await read_all(ana)
        pressed = await modal(world, ANA)
    await world.slack.click(ANA, pressed, "Approve")
    await world.delivered(card)


async def test_text_that_stood_whole_where_the_reader_was_opened_is_known(ana: Walker) -> None:
    await ana.waits("Line 0. Write to Bob. Line 199.")
    card = await ana.world.card("Line 0")
    await ana.world.slack.overflow(ANA, card, "Read all")
    await ana.world.slack.click(ANA, await modal(ana.world, ANA, "Line 199"), "Approve")
    await ana.world.delivered(card)


async def test_what_the_card_showed_counts_as_read_for_the_page(ana: Walker) -> None:
    """The rest takes as long as the rest."""
    await ana.waits(PAGE)
    card = await ana.world.card("Line 0")
    await read_all(ana)
    ana.clock.later += timedelta(seconds=len(PAGE) * 0.02 - 20)
    await ana.world.slack.click(ANA, await modal(ana.world, ANA), "Approve")
    await ana.world.delivered(card)

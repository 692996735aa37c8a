"""Approve in a direct message asks what it asks on the card in the channel."""

from __future__ import annotations

from crewgate.demo.environment import ANA, BEN, CHANNEL
from crewgate.demo.workspace import Message, buttons, message_text
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import modal


async def waiting(world: World, channel: str) -> Message:
    """The card that waits in a channel."""
    found = await world.slack.until(
        lambda: [card for card in world.slack.messages(channel) if "Approve" in buttons(card)]
    )
    return found[-1]


async def test_a_direct_message_asks_before_it_approves(make_world: MakeWorld) -> None:
    async with make_world(NOTIFY="dm") as world:
        await world.pause()
        card = await waiting(world, CHANNEL)
        private = await waiting(world, world.slack.world.im(ANA).id)
        await world.slack.write(BEN, CHANNEL, "No!", card.ts)
        await world.shown(card, "1 note")

        await world.slack.click(ANA, private, "Approve")
        await modal(world, ANA, "1 note waits in the thread")
        assert not world.crew.requests
        await world.slack.submit(ANA)

        await world.crew.until(lambda: world.crew.resumes)
        assert "1 note was not sent" in message_text(await world.shown(card, "not sent"))
        await world.shown(private, "1 note was not sent")

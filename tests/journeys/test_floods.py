"""A batch pauses on one task at once: one card gathers what the channel cannot show in turn."""

from dataclasses import replace
from datetime import timedelta

from crewgate.demo.environment import ANA, CHANNEL
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import modal, waiting
from tests.journeys.test_rules import CREWS, Skewed
from tests.standins.workspace import Message, View, message_text

MINUTE = timedelta(minutes=1)
REMINDED = f'{CREWS}\nname = "all"\nremind = {{ after = "2h" }}\n'


async def gathering(world: World, shows: str) -> Message:
    def found() -> list[Message]:
        every = world.slack.messages(CHANNEL)
        return [one for one in every if shows in message_text(one)]

    return (await world.slack.until(found))[0]


async def page(world: World, clock: Skewed, shows: str) -> View:
    """The page of the walk, once it shows this, read for a minute."""
    found = await modal(world, ANA, shows)
    clock.later += MINUTE
    return found


async def test_a_batch_is_eleven_cards_and_a_way_through_the_others(make_world: MakeWorld) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, clock=clock)
    async with make_world(runtime, crews_file=REMINDED, **ENVIRONMENT) as world:
        for number in range(1, 15):
            await world.pause("draft", f"Draft number {number}.", f"e-{number}")
        card = await gathering(world, "*3 more wait*, each")
        cards = waiting(world)
        assert len(cards) == 11
        assert [one.ts for one in cards if "more wait" in message_text(one)] == [card.ts]
        assert sum(message_text(one).count(f"<@{ANA}>") > 0 for one in cards) == 11
        await world.pause("check", "Of another task.", "e-15")
        await world.card("Of another task.")

        await world.slack.click(ANA, card, "Start")
        first = await page(world, clock, "Draft number 12.")
        assert first.content["title"]["text"] == "1 of 3"
        await world.slack.click(ANA, first, "Approve")
        await page(world, clock, "Draft number 13.")
        await world.shown(card, "2 more wait")
        await world.crew.until(lambda: len(world.crew.resumes) == 1)

        await world.slack.click(ANA, card, "Approve")
        await world.delivered(card)
        assert "2 more wait" in message_text(world.slack.fresh(card))

        await world.slack.click(ANA, await page(world, clock, "Draft number 13."), "Approve")
        await world.shown(card, "1 more waits")
        await world.slack.click(ANA, await page(world, clock, "Draft number 14."), "Approve")
        await modal(world, ANA, "That was the last. 11 wait for you still")
        await world.slack.until(lambda: "more wait" not in message_text(world.slack.fresh(card)))
        assert len(waiting(world)) == 11

"""Home while Slack is slow, loses answers, or was told something else by another process."""

from __future__ import annotations

from dataclasses import replace

from bot.demo.environment import ANA
from bot.demo.workspace import DROP_AFTER, HANG
from bot.slack.client.web_api import call, new_client
from tests.builders import SECOND, FakeClock
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import home, modal
from tests.journeys.test_home import rows, two_waiting, values


async def test_a_click_on_what_slack_took_long_to_show_decides_nothing(
    make_world: MakeWorld,
) -> None:
    clock = FakeClock()
    async with make_world(replace(AT_ONCE, clock=clock)) as world:
        seen = await two_waiting(world)
        await world.slack.click(ANA, seen, "Approve", block_id=rows(seen)[0]["block_id"])
        await home(world, ANA, "Waiting for you: 1")
        world.slack.fail("views.publish", how=HANG)
        await world.slack.open_home(ANA)
        await world.slack.until(lambda: world.slack.hanging)
        clock.advance(10 * SECOND)
        world.slack.release()
        moved = await home(world, ANA, "Decided in the last 24 hours: 1")

        await world.slack.click(ANA, moved, "Approve", block_id=rows(moved)[0]["block_id"])

        await modal(world, ANA, "Home had just changed.")
        assert "Waiting for you: 1" in world.slack.home(ANA).shown


async def test_an_answer_that_was_lost_keeps_nothing_from_being_shown(world: World) -> None:
    seen = await two_waiting(world)
    world.slack.fail("views.publish", how=DROP_AFTER)
    await world.pause("draft", "Draft 3.", "e-3")
    await home(world, ANA, "Waiting for you: 3")
    await world.pause("draft", "Draft 4.", "e-4")
    after = await home(world, ANA, "Waiting for you: 4")
    assert values(after)[:2] == values(seen)


async def test_what_another_process_shows_is_left_to_it(world: World) -> None:
    seen = await two_waiting(world)
    other = new_client(token=world.slack.bot_token, base_url=world.slack.api_url)
    await call(other, "views.publish", user_id=ANA, view=seen.content)
    await world.pause("draft", "Draft 3.", "e-3")
    await world.slack.until(
        lambda: any(
            (made.answer or {}).get("error") == "hash_conflict" for made in world.slack.calls
        )
    )
    assert "Waiting for you: 2" in world.slack.home(ANA).shown
    # It shows what happens again once it is used here.
    shown = world.slack.home(ANA)
    await world.slack.click(ANA, shown, "Approve", block_id=rows(shown)[0]["block_id"])
    assert values(await home(world, ANA, "Draft 3."))[:2] == values(seen)


def answers(world: World) -> list[str]:
    """Why calls that publish Home failed."""
    calls = world.slack.calls_of("views.publish")
    return [str((made.answer or {}).get("error")) for made in calls]

"""Home while Slack is slow, loses answers, or was told something else by another process."""

from __future__ import annotations

from crewgate.demo.environment import ANA
from crewgate.demo.workspace import DROP_AFTER, HANG
from crewgate.slack.client.web_api import call, new_client
from tests.journeys.conftest import World
from tests.journeys.people import home
from tests.journeys.test_home import rows, two_waiting, values


async def test_a_page_in_order_that_slack_takes_long_to_show_is_the_last_word(
    world: World,
) -> None:
    seen = await two_waiting(world)
    await world.slack.click(ANA, seen, "Approve", block_id=rows(seen)[0]["block_id"])
    shown = await home(world, ANA, "Waiting for you: 1")
    world.slack.fail("views.publish", how=HANG)
    await world.slack.click(ANA, shown, "Refresh")
    await world.slack.until(lambda: world.slack.hanging)
    await world.slack.open_home(ANA)
    world.slack.release()

    fresh = await home(world, ANA, "Decided in the last 24 hours: 1")
    await world.pause("draft", "Draft 3.", "e-3")
    assert values(await home(world, ANA, "Refresh · 1 more")) == values(fresh)


async def test_an_answer_that_was_lost_keeps_nothing_from_being_shown(world: World) -> None:
    seen = await two_waiting(world)
    world.slack.fail("views.publish", how=DROP_AFTER)
    await world.pause("draft", "Draft 3.", "e-3")
    await home(world, ANA, "Refresh · 1 more")
    await world.pause("draft", "Draft 4.", "e-4")
    after = await home(world, ANA, "Refresh · 2 more")
    assert values(after) == values(seen)


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
    assert values(await home(world, ANA, "Refresh · 1 more")) == values(seen)


def answers(world: World) -> list[str]:
    """Why calls that publish Home failed."""
    calls = world.slack.calls_of("views.publish")
    return [str((made.answer or {}).get("error")) for made in calls]

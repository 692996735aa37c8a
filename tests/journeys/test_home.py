"""Home: the queue of what waits."""

from dataclasses import replace
from typing import Any

from crewgate.demo.environment import ANA, BEN, CARL
from crewgate.slack.client.web_api import call, new_client
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import home, modal
from tests.standins.crew import status
from tests.standins.workspace import DROP_AFTER, HANG, View, Workspace, buttons


async def test_home_is_the_queue_and_stays_up_to_date(world: World) -> None:
    await world.slack.open_home(ANA)
    await home(world, ANA, "Nothing waits")

    await world.pause("draft", "# Findings\n\nThey *grow*.")
    card = await world.card("Findings")
    await world.slack.open_home(CARL)
    seen = await home(world, ANA, "Waiting for you: 1")

    assert "Findings · They grow." in seen.shown
    assert buttons(seen) == ["Start", "Refresh", "Approve", "Revise", "Read all"]
    assert buttons(await home(world, CARL, "Waiting for others: 1")) == ["Refresh", "Read all"]
    await world.slack.until(lambda: card.ts.replace(".", "") in world.slack.home(ANA).shown)
    await world.slack.click(ANA, world.slack.home(ANA), "Read all")
    await modal(world, ANA, "Findings")
    await world.slack.click(ANA, world.slack.home(ANA), "Revise")
    await modal(world, ANA, "What should change?")
    await world.slack.click(ANA, seen, "Approve")
    await home(world, ANA, "Waiting for you: 0")
    await world.delivered(card)
    await world.slack.click(BEN, replace(seen, user=BEN), "Approve")
    assert "Ana approved" in (await modal(world, BEN)).shown.replace(f"<@{ANA}>", "Ana")


async def test_home_is_paged(world: World) -> None:
    for number in range(21):
        await world.pause("draft", f"Draft {number:02}.", f"e-{number:02}")
    await world.slack.open_home(ANA)

    first = await home(world, ANA, "Page 1 of 2")
    assert "Draft 00." in first.shown
    await world.slack.click(ANA, first, "Next page")
    second = await home(world, ANA, "Page 2 of 2")
    assert "Draft 20." in second.shown
    await world.slack.click(ANA, second, "Previous page")
    await home(world, ANA, "Page 1 of 2")


async def test_nothing_moves_before_its_reader_presses_refresh(world: World) -> None:
    """A decided round stays in its place and new ones are counted, also in a Home opened again."""
    seen = await two_waiting(world)
    first, second = rows(seen)
    await world.slack.click(ANA, seen, "Approve", block_id=first["block_id"])
    await home(world, ANA, "Waiting for you: 1")
    await world.pause("draft", "Draft 3.", "e-3")
    await world.slack.open_home(ANA)
    after = await home(world, ANA, "Refresh · 1 more")

    assert values(after) == values(seen)
    assert [labels(row) for row in rows(after)] == [["Read all"], labels(second)]
    assert "Draft 1." in after.shown
    assert "Draft 3." not in after.shown
    await world.crew.until(lambda: world.crew.resumes)
    await world.slack.click(ANA, after, "Refresh · 1 more")
    fresh = await home(world, ANA, "Decided in the last 24 hours: 1")
    assert values(fresh)[::2] == values(seen)[::-1]
    assert "Draft 3." in fresh.shown
    assert buttons(fresh)[1] == "Refresh"
    assert len(world.crew.resumes) == 1

    # Where nothing can be pressed, opening puts the page in order.
    for row, left in zip(rows(fresh), "10", strict=False):
        await world.slack.click(ANA, fresh, "Approve", block_id=row["block_id"])
        await home(world, ANA, f"Waiting for you: {left}")
    await world.pause("draft", "Draft 4.", "e-4")
    await home(world, ANA, "Refresh · 1 more")
    await world.slack.open_home(ANA)
    assert "Decided in the last 24 hours: 3" in (await home(world, ANA, "Draft 4.")).shown


async def test_a_stuck_row_is_retried_and_dismissed_in_home(world: World) -> None:
    for number in (1, 2):
        await world.pause("draft", f"Draft {number}.", f"e-{number}")
        card = await world.card(f"Draft {number}.")
        world.crew.fail("/resume", how=status(422, {"message": "no"}))
        await world.slack.click(ANA, card, "Approve")
        await world.shown(card, "Retry")
    await world.slack.open_home(ANA)
    seen = await home(world, ANA, "Not delivered: 2")
    first, second = rows(seen)
    assert labels(first) == labels(second) == ["Retry", "Dismiss", "Read all"]

    await world.slack.click(ANA, seen, "Retry", block_id=first["block_id"])
    await world.crew.until(lambda: world.crew.resumes)
    await world.slack.click(ANA, seen, "Dismiss", block_id=second["block_id"])
    await modal(world, ANA, "Dismiss")
    await world.slack.submit(ANA, {"feedback": "Nobody needs it."})

    after = await home(world, ANA, "Not delivered: 0")
    assert [labels(row) for row in rows(after)] == [["Read all"], ["Read all"]]
    await world.slack.click(ANA, seen, "Retry", block_id=first["block_id"])
    await modal(world, ANA, "There is nothing left to do here")


async def test_a_home_that_was_opened_before_a_start_is_kept_up_to_date(
    make_world: MakeWorld,
) -> None:
    async with Workspace() as slack:
        async with make_world(slack=slack) as world:
            seen = await two_waiting(world)
        async with make_world(slack=slack):
            await slack.click(ANA, seen, "Approve", block_id=rows(seen)[1]["block_id"])
            after = await home(world, ANA, "Waiting for you: 1")
    assert values(after) == values(seen)
    assert labels(rows(after)[1]) == ["Read all"]


async def test_a_page_that_slack_takes_long_to_show_or_to_answer_is_the_last_word(
    world: World,
) -> None:
    seen = await two_waiting(world)
    await world.slack.click(ANA, seen, "Approve", block_id=rows(seen)[0]["block_id"])
    shown = await home(world, ANA, "Waiting for you: 1")
    world.slack.fail("views.publish", how=HANG)
    await world.slack.click(ANA, shown, "Refresh")
    await world.slack.until(lambda: world.slack.faults.hanging)
    await world.slack.open_home(ANA)
    world.slack.release()

    fresh = await home(world, ANA, "Decided in the last 24 hours: 1")
    await world.pause("draft", "Draft 3.", "e-3")
    assert values(await home(world, ANA, "Refresh · 1 more")) == values(fresh)
    world.slack.fail("views.publish", how=DROP_AFTER)
    for number in (4, 5):
        await world.pause("draft", f"Draft {number}.", f"e-{number}")
        after = await home(world, ANA, f"Refresh · {number - 2} more")
        assert values(after) == values(fresh)


async def test_who_opens_home_is_served_before_others_are_refreshed(world: World) -> None:
    for person in (ANA, BEN):
        await world.slack.open_home(person)
        await home(world, person, "Nothing waits")
    shown_before = len(world.slack.calls_of("views.publish"))
    world.slack.fail("views.publish", how=HANG)
    await world.pause()
    await world.slack.until(lambda: world.slack.faults.hanging)
    await world.slack.open_home(CARL)
    world.slack.release()
    for person in (ANA, BEN, CARL):
        await home(world, person, "1")
    calls = world.slack.calls_of("views.publish")[shown_before:]
    assert [one.args["user_id"] for one in calls[:3]] == [ANA, CARL, BEN]


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


async def two_waiting(world: World) -> View:
    """Ana's Home with two rows."""
    for number in (1, 2):
        await world.pause("draft", f"Draft {number}.", f"e-{number}")
    await world.slack.open_home(ANA)
    return await home(world, ANA, "Waiting for you: 2")


def rows(view: View) -> list[dict[str, Any]]:
    """The rounds' buttons."""
    return [block for block in view.blocks if block["type"] == "actions"][1:]


def labels(row: dict[str, Any]) -> list[str]:
    return [element["text"]["text"] for element in row["elements"]]


def values(view: View) -> list[str]:
    """The ids of the rounds, from the top."""
    return [row["elements"][0]["value"] for row in rows(view)]

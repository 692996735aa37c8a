"""Notes that people wrote while Slack could not deliver them count as if they had come in time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.slack.notes import LISTED
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import modal
from tests.journeys.test_rules import Skewed
from tests.standins.workspace import HANG, Message, Workspace, malformed, rate_limited

LOSES = "http://127.0.0.1:9/slack/events"


async def test_what_was_written_changed_and_deleted_during_a_stop_is_taken(
    make_world: MakeWorld,
) -> None:
    later = replace(AT_ONCE, clock=lambda: AT_ONCE.clock() + timedelta(minutes=2))
    async with Workspace() as slack:
        async with make_world(slack=slack) as world:
            await world.pause()
            card = await world.card("A draft")
            changed = await slack.write(ANA, CHANNEL, "Shorter.", card.ts)
            deleted = await slack.write(ANA, CHANNEL, "Never mind.", card.ts)
            await world.shown(card, "2 notes from")
        slack.events_url = LOSES
        await slack.edit_message(ANA, changed.message, "Much shorter.")
        await slack.delete_message(deleted.message)
        await slack.write(ANA, CHANNEL, "Add numbers.", card.ts)
        await slack.write(CARL, CHANNEL, "I like it.", card.ts)

        slack.fail("conversations.replies", how=rate_limited())
        async with make_world(later, slack=slack) as world:
            await world.shown(card, "3 notes from")
            await slack.click(ANA, card, "Revise")
            form = await modal(world, ANA, "What should change?")
    [text] = [one["element"]["initial_value"] for one in form.blocks if "element" in one]
    assert text == "Ana: Much shorter.\n\nAna: Add numbers."


async def test_what_was_deleted_right_after_it_was_written_is_gone_too(
    make_world: MakeWorld,
) -> None:
    """Slack may list a message late, so it is looked for once more a minute later."""
    clock = Skewed()

    async def sleep(seconds: float) -> None:
        if seconds == LISTED.total_seconds():
            clock.later += LISTED
        else:
            await AT_ONCE.sleep(seconds)

    async with Workspace() as slack:
        async with make_world(slack=slack) as world:
            await world.pause()
            card = await world.card("A draft")
            deleted = await slack.write(ANA, CHANNEL, "Never mind.", card.ts)
            await world.shown(card, "1 note from")
        slack.events_url = LOSES
        await slack.delete_message(deleted.message)
        async with make_world(replace(AT_ONCE, clock=clock, sleep=sleep), slack=slack) as world:
            await world.slack.until(lambda: "1 note" not in str(slack.fresh(card)))


async def two_tasks(world: World) -> tuple[Message, Message]:
    """The cards of two tasks that wait in one thread, the older first."""
    await world.pause("draft", "A draft.")
    older = await world.card("A draft.")
    await world.pause("facts", "The facts.")
    newer = await world.card("The facts.")
    assert newer.thread_ts == older.ts
    return older, newer


async def test_a_missed_note_is_the_newest_round_s_whose_thread_slack_is_slow_to_show(
    make_world: MakeWorld,
) -> None:
    async with Workspace() as slack:
        async with make_world(slack=slack) as world:
            older, newer = await two_tasks(world)
        slack.events_url = LOSES
        await slack.write(BEN, CHANNEL, "The third fact is wrong.", older.ts)
        slack.fail("conversations.replies", how=rate_limited())
        async with make_world(slack=slack) as world:
            await world.shown(newer, "1 note from")
            assert "1 note" not in str(slack.fresh(older))


async def test_nor_is_it_the_older_one_s_whose_form_is_sent_first(world: World) -> None:
    older, newer = await two_tasks(world)
    await world.slack.overflow(ANA, older, "Approve with a comment…")
    await modal(world, ANA)
    told, world.slack.events_url = world.slack.events_url, LOSES
    await world.slack.write(BEN, CHANNEL, "The third fact is wrong.", older.ts)
    world.slack.events_url = told

    await world.slack.submit(ANA, {"feedback": "Good."})

    await world.shown(newer, "1 note from")


@pytest.mark.parametrize("approves", [False, True])
async def test_what_was_not_told_is_shown_before_a_form_decides(
    world: World, *, approves: bool
) -> None:
    await world.pause()
    card = await world.card("A draft")
    if approves:
        await world.slack.overflow(ANA, card, "Approve with a comment…")
    else:
        await world.slack.click(ANA, card, "Revise")
    await modal(world, ANA)
    told, world.slack.events_url = world.slack.events_url, LOSES
    await world.slack.write(BEN, CHANNEL, "Mind the tables.", card.ts)
    world.slack.events_url = told

    await world.slack.submit(ANA, {"feedback": "Good."})

    await modal(world, ANA, "Mind the tables.")
    assert not world.crew.resumes


async def test_an_odd_message_in_a_thread_hides_no_other(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Revise")
    await modal(world, ANA)
    note = {
        "user": BEN,
        "ts": "9999999999.000001",
        "thread_ts": card.ts,
        "text": "Mind the tables.",
    }
    listed = {"ok": True, "messages": [{"subtype": ["odd"]}, note]}
    world.slack.fail("conversations.replies", how=malformed(listed))

    await world.slack.submit(ANA, {"feedback": "Good."})

    await modal(world, ANA, "Mind the tables.")
    assert not world.crew.resumes


async def test_a_thread_that_slack_does_not_show_holds_no_form_up(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Revise")
    await modal(world, ANA)
    world.slack.fail("conversations.replies", times=None, how=HANG)

    await world.slack.submit(ANA, {"feedback": "Shorter."})

    await world.crew.until(lambda: world.crew.resumes)


async def test_what_was_written_while_the_socket_was_away_is_taken(make_world: MakeWorld) -> None:
    async with make_world(SLACK_APP_TOKEN="xapp-demo") as world:
        world.slack.events_url = None
        await world.slack.until(lambda: len(world.slack.sockets.open))
        await world.pause()
        card = await world.card("A draft")
        world.slack.sockets.drop()
        await world.slack.write(ANA, CHANNEL, "Shorter.", card.ts)
        await world.shown(card, "1 note from")


async def test_a_note_from_before_its_round_is_not_taken_for_deleted(
    make_world: MakeWorld,
) -> None:
    clock = Skewed()
    async with make_world(replace(AT_ONCE, clock=clock)) as world:
        await world.pause()
        first = await world.card("A draft")
        await world.revise(ANA, first)
        await world.crew.until(lambda: world.crew.resumes)
        told, world.slack.events_url = world.slack.events_url, LOSES
        late = await world.slack.write(BEN, CHANNEL, "Mind the tables.", first.ts)
        world.slack.events_url = told
        await world.pause(output="Another draft.")
        card = await world.card("Another draft", round_=2)
        await world.slack.resend(late.delivery)
        await world.shown(card, "1 note from")
        clock.later += timedelta(minutes=2)

        await world.slack.overflow(ANA, card, "Approve with a comment…")
        await modal(world, ANA)
        await world.slack.submit(ANA, {"feedback": "Good."})
        await world.crew.until(lambda: len(world.crew.resumes) > 1)

        await world.slack.until(lambda: "1 note was not sent" in str(world.slack.fresh(card)))

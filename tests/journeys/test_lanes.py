"""What Slack or a crew refuses, or is silent about, holds up nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from crewgate.demo.crew import Call, hang
from crewgate.demo.environment import ANA, CHANNEL
from crewgate.demo.workspace import DROP_BEFORE, Message, buttons, error, message_text
from crewgate.domain.retry import Retry
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import modal

#: Whoever waited for a retry would wait until the test ends.
HOUR = timedelta(hours=1)
PATIENT = replace(AT_ONCE, retry=Retry(first=HOUR, longest=HOUR))


async def execute(folder: Path, statement: str) -> None:
    """Change the bot's database from outside, in a thread: the bot may hold the lock meanwhile."""

    def change() -> None:
        with closing(sqlite3.connect(folder / "crewgate.db", isolation_level=None)) as database:
            database.execute(statement)

    await asyncio.to_thread(change)


async def said(world: World, text: str, card: Message) -> Message:
    """The message in the card's thread that says this, once it is there."""

    def found() -> list[Message]:
        return [one for one in world.slack.thread(CHANNEL, card.ts) if text in message_text(one)]

    return (await world.slack.until(found))[0]


async def test_where_files_are_disabled_the_thread_says_so_and_everything_else_comes(
    make_world: MakeWorld,
) -> None:
    async with make_world(PATIENT) as world:
        world.slack.fail("files.getUploadURLExternal", error("file_uploads_disabled"), times=None)
        await world.pause("draft", "word " * 5_000)
        card = await world.card("% shown")

        await world.slack.click(ANA, card, "Revise")
        await modal(world, ANA)
        await world.slack.submit(ANA, {"feedback": "Shorter."})

        assert buttons(await world.delivered(card)) == ["Read all"]
        await world.pause("draft", "words " * 5_000)
        await world.card("% shown", round_=2)
        await said(world, "as a file. *Read all* on its card shows all of it.", card)


async def test_a_card_that_cannot_be_changed_is_told_of_in_its_thread(
    make_world: MakeWorld,
) -> None:
    async with make_world(PATIENT) as world:
        await world.pause("draft", "old output")
        card = await world.card("old output")
        world.slack.fail("chat.update", error("edit_window_closed"), times=None)

        await world.slack.click(ANA, card, "Approve")
        await said(world, "Approved by Ana: Draft", card)

        await world.pause("publish", "of the next task")
        await world.card("of the next task")
        assert (
            len(
                [
                    one
                    for one in world.slack.thread(CHANNEL, card.ts)
                    if "let me" in message_text(one)
                ]
            )
            <= 2
        )


async def test_lost_updates_delay_no_card(make_world: MakeWorld) -> None:
    async with make_world(PATIENT) as world:
        await world.pause("draft", "old output")
        card = await world.card("old output")
        world.slack.fail("chat.update", DROP_BEFORE, times=None)
        await world.slack.write(ANA, CHANNEL, "Shorter.", card.ts)
        await world.slack.until(lambda: world.slack.calls_of("chat.update"))

        await world.pause("draft", "new output")

        await world.card("new output", round_=2)


async def test_a_crew_that_is_silent_about_statuses_is_told_decisions_at_once(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    async with make_world() as world:
        world.crew.fail("/status", how=hang(), times=None)
        for number in range(200):
            await world.pause("draft", f"output {number}", f"e-{number}")
        await execute(tmp_path, "UPDATE outbox SET due_at = 0 WHERE kind = 'poll_status'")
        await world.crew.until(lambda: asked(world, "/status"))
        card = await world.card("output 7")

        await world.slack.click(ANA, card, "Approve")

        await world.crew.until(lambda: asked(world, "/resume"))
        # Four at once for 2 s each: who came after all of them would have waited for 100 s.
        assert len(asked(world, "/status")) < 100
        world.crew.release()


def asked(world: World, path: str) -> list[Call]:
    """The requests to the crew whose path begins so."""
    return [call for call in world.crew.requests if call.path.startswith(path)]


async def test_what_can_never_be_delivered_is_counted_in_readyz(
    world: World, tmp_path: Path
) -> None:
    world.slack.fail("chat.postMessage", error("msg_too_long"), times=2)
    await world.pause("draft", "what cannot be shown")

    details: list[str] = []
    while not (details := [one for one in await said_by_readyz(world) if "set aside" in one]):
        pass
    assert details == ["set aside, to be looked at: 1 post"]

    await execute(tmp_path, "UPDATE outbox SET set_aside_at = NULL, due_at = 0")
    await world.card("what cannot be shown")
    while await said_by_readyz(world):
        pass


async def said_by_readyz(world: World) -> list[str]:
    _, ready = await world.get("/readyz")
    return list(ready["details"])

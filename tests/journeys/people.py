"""The messages that people see in Slack, waited for, and changes of the bot's database."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from crewgate.demo.environment import ANA, CHANNEL
from tests.journeys.conftest import Between
from tests.standins.workspace import Message, View, buttons, message_text


async def modal(world: Between, user: str, shows: str = "") -> View:
    """The modal on top, once it shows this."""

    def found() -> list[View]:
        return [view for view in world.slack.open_modals(user)[-1:] if shows in view.shown]

    return (await world.slack.until(found))[0]


async def home(world: Between, user: str, shows: str) -> View:
    """Somebody's Home, once it shows this."""
    await world.slack.until(lambda: shows in world.slack.home(user).shown)
    return world.slack.home(user)


async def said(world: Between, shows: str, channel: str = CHANNEL) -> Message:
    """The latest message in this channel that shows this, once it is there."""
    return (await world.slack.until(lambda: showing(world, shows, channel)))[-1]


def showing(world: Between, shows: str, channel: str = CHANNEL) -> list[Message]:
    """The messages in this channel that show this."""
    return [one for one in world.slack.messages(channel) if shows in message_text(one)]


def waiting(world: Between, channel: str = CHANNEL) -> list[Message]:
    """The cards in this channel that can be approved."""
    return [one for one in world.slack.messages(channel) if "Approve" in buttons(one)]


async def in_private(world: Between, user: str, shows: str) -> Message:
    """The latest direct message to this person that shows this, once it is there."""
    return await said(world, shows, world.slack.world.im(user).id)


async def in_thread(world: Between, card: Message, shows: str) -> Message:
    """The latest message of a card's thread that shows this, once it is there."""

    def found() -> list[Message]:
        shown = showing(world, shows, card.channel)
        return [one for one in shown if card.ts in (one.thread_ts, one.ts)]

    return (await world.slack.until(found))[-1]


def box(form: View) -> str:
    """The text in a form's first box."""
    first = next(block["element"] for block in form.blocks if "element" in block)
    return str(first["initial_value"])


def named(world: Between, user: str) -> bool:
    """Return True if the bot knows this person's name and has updated the card."""
    calls = [(call.method, call.args.get("user")) for call in world.slack.calls]
    asked = ("users.info", user)
    return asked in calls and ("chat.update", None) in calls[calls.index(asked) :]


async def second_round(
    world: Between, before: object, after: object, feedback: str = "Shorter."
) -> Message:
    """The card of an output for which Ana had asked for changes of another one."""
    await world.pause("draft", before)
    await world.revise(ANA, await world.card("round 1"), feedback)
    await world.crew.until(lambda: world.crew.resumes)
    await world.pause("draft", after)
    return await world.card("round 2", round_=2)


async def approve_anyway(world: Between, user: str, card: Message) -> None:
    """Press Approve, and again where it asks."""
    await world.slack.click(user, card, "Approve")
    await world.slack.click(user, await modal(world, user, "Before you approve"), "Approve anyway")
    await modal(world, user, "Recorded")
    await world.slack.close_modal(user)


_CHANGE = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])
"""


async def execute(database: Path, statement: str) -> None:
    """Change the bot's database from outside, in another process: the bot may hold the lock.

    A thread of this process that did so, while the bot ran here, once ended both by SIGABRT.
    """
    python = (sys.executable, "-S", "-c", _CHANGE, str(database), statement)
    process = await asyncio.create_subprocess_exec(*python)
    assert await process.wait() == 0


@asynccontextmanager
async def without(database: Path, table: str) -> AsyncIterator[None]:
    """The bot's database lacks this table meanwhile: whatever needs it fails."""
    await execute(database, f"ALTER TABLE {table} RENAME TO gone_{table}")
    try:
        yield
    finally:
        await execute(database, f"ALTER TABLE gone_{table} RENAME TO {table}")

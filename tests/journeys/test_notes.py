"""Notes in the thread, and how they become feedback."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.demo.environment import ANA, BEN, CARL, CHANNEL
from bot.demo.workspace import message_text
from tests.journeys.conftest import World
from tests.journeys.people import modal, named


async def test_notes_in_the_thread_become_the_feedback(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")

    first = await world.slack.write(ANA, CHANNEL, "Shorter &amp; clearer.", card.ts)
    await world.slack.resend(first.delivery)
    await world.shown(card, "1 note from")
    second = await world.slack.write(ANA, CHANNEL, "Add numbers.", card.ts)
    await world.slack.write(CARL, CHANNEL, "I like it.", card.ts)
    third = await world.slack.write(ANA, CHANNEL, "Never mind.", card.ts)
    await world.shown(card, "4 notes from")
    await world.slack.edit_message(ANA, second.message, "Add two numbers.")
    await world.slack.delete_message(third.message)
    await world.slack.resend(third.delivery)
    await world.shown(card, "3 notes from")
    await world.slack.until(lambda: world.slack.fresh(first.message).reactions)
    await world.slack.until(lambda: world.slack.ephemerals(ANA))
    await world.slack.until(lambda: named(world, CARL))
    [offer] = world.slack.ephemerals(ANA)
    assert not world.slack.ephemerals(CARL)
    assert not world.crew.requests

    await world.slack.click(ANA, offer, "Send as revision")
    form = await modal(world, ANA, "What should change?")
    text = form.blocks[1]["element"]["initial_value"]
    assert text == "Ana: Shorter & clearer.\n\nAna: Add two numbers."
    await world.slack.click(ANA, form, "Add")
    form = await modal(world, ANA)
    await world.slack.until(
        lambda: "Carl" in world.slack.open_modals(ANA)[0].blocks[1]["element"]["initial_value"]
    )
    await world.slack.submit(ANA)

    await world.crew.until(lambda: world.crew.resumes)
    [resume] = world.crew.resumes
    assert resume.human_feedback == f"{text}\n\nCarl: I like it."
    assert not resume.is_approve


async def test_notes_that_do_not_fit_are_offered_and_never_cut(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    for dead_letter in "xy":
        await world.slack.write(ANA, CHANNEL, dead_letter * 2_000, card.ts)
    await world.shown(card, "2 notes from")

    await world.slack.click(ANA, card, "Revise")
    form = await modal(world, ANA, "Not every note fits")
    assert "y" not in form.blocks[1]["element"]["initial_value"]
    await world.slack.click(ANA, form, "Add")

    form = await modal(world, ANA, "does not fit")
    assert "2,000 characters" in form.shown


async def test_what_is_written_elsewhere_or_by_bots_or_too_late_is_no_note(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    other = await world.slack.write(ANA, CHANNEL, "Lunch?")

    await world.slack.write(BEN, CHANNEL, "Yes.", other.message.ts)
    await world.slack.click(BEN, card, "Approve")
    await world.shown(card, "Sent")
    late = await world.slack.write(BEN, CHANNEL, "Oh, wait.", card.ts)

    assert not world.slack.fresh(late.message).reactions
    assert "note" not in message_text(world.slack.fresh(card))
    assert [resume.human_feedback for resume in world.crew.resumes] == ["Approved."]


async def test_keep_collecting_sends_nothing(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.write(ANA, CHANNEL, "Hm.", card.ts)
    await world.slack.until(lambda: world.slack.ephemerals(ANA))

    await world.slack.click(ANA, world.slack.ephemerals(ANA)[0], "Keep collecting")

    assert "notes wait" in await world.told(ANA, count=2)
    assert not world.crew.requests


async def test_a_note_that_could_not_be_kept_is_told_again(world: World, tmp_path: Path) -> None:
    await world.pause()
    card = await world.card("A draft")
    with closing(sqlite3.connect(tmp_path / "crewgate.db", isolation_level=None)) as database:
        database.execute("ALTER TABLE notes RENAME TO gone")
        lost = await world.slack.write(ANA, CHANNEL, "Shorter.", card.ts)
        database.execute("ALTER TABLE gone RENAME TO notes")

    assert not lost.reply.ok
    await world.slack.resend(lost.delivery)

    await world.shown(card, "1 note from")

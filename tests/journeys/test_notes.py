"""Notes in the thread, and how they become feedback."""

from pathlib import Path

import pytest

from crewgate.demo.environment import ANA, CARL, CHANNEL
from tests.journeys.conftest import World
from tests.journeys.people import box, modal, named, without
from tests.standins.workspace import buttons


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

    await world.slack.click(ANA, offer, "Revise")
    form = await modal(world, ANA, "What should change?")
    text = box(form)
    assert text == "Ana: Shorter & clearer.\n\nAna: Add two numbers."
    await world.slack.click(ANA, form, "Add")
    form = await modal(world, ANA)
    await world.slack.until(lambda: "Carl" in box(world.slack.open_modals(ANA)[0]))
    await world.slack.submit(ANA)

    await world.crew.until(lambda: world.crew.resumes)
    [resume] = world.crew.resumes
    assert resume.human_feedback == f"{text}\n\nCarl: I like it."
    assert not resume.is_approve


async def test_a_note_that_comes_while_somebody_writes_is_shown_before_it_is_left_out(
    world: World,
) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Revise")
    await modal(world, ANA, "What should change?")
    await world.slack.write(CARL, CHANNEL, "Mind the tables.", card.ts)
    await world.shown(card, "1 note from")

    await world.slack.submit(ANA, {"feedback": "Shorter."})
    form = await modal(world, ANA, "Mind the tables.")
    assert "Nothing is sent yet" in form.shown
    assert box(form) == "Shorter."
    assert not world.crew.resumes
    await world.slack.submit(ANA, {"feedback": "Shorter."})

    await world.crew.until(lambda: world.crew.resumes)
    assert world.crew.resumes[0].human_feedback == "Shorter."


async def test_a_note_that_the_database_cannot_take_is_told_of_again(
    world: World, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.write(ANA, CHANNEL, "Shorter.", card.ts)
    await world.shown(card, "1 note from")
    async with without(database, "notes"):
        note = await world.slack.write(ANA, CHANNEL, "Clearer.", card.ts)
        assert note.reply.status == 503
    await world.slack.resend(note.delivery)
    await world.shown(card, "2 notes from")
    assert "Traceback" not in capsys.readouterr().out


async def test_what_is_typed_stays_while_somebody_reads_every_note(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    for number in range(25):
        await world.slack.write(CARL, CHANNEL, f"Note {number}: " + "word " * 100, card.ts)
    await world.shown(card, "25 notes from")

    await world.slack.click(ANA, card, "Revise")
    form = await modal(world, ANA, "Note 0:")
    assert "Note 24:" not in form.shown
    seen, page = form.shown, 1
    while "Next page" in buttons(form):
        [row] = [block for block in form.blocks if block["type"] == "actions"]
        [own] = [block for block in form.blocks if block["type"] == "input"]
        typed = {f"{own['block_id']}/feedback": "My own words."}
        await world.slack.use(ANA, form, "next_notes", block_id=row["block_id"], entered=typed)
        page += 1
        form = await modal(world, ANA, f"Page {page} of")
        assert box(form) == "My own words."
        seen += form.shown
    assert all(f"Note {number}: " in seen for number in range(25))
    await world.slack.click(ANA, form, "Previous page")
    await modal(world, ANA, f"Page {page - 1} of")


async def test_a_note_that_the_box_cannot_hold_is_there_to_be_copied(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    note = " ".join(f"Sentence {number} of a long note." for number in range(150))
    await world.slack.write(ANA, CHANNEL, note, card.ts)
    await world.shown(card, "1 note from")
    await world.slack.until(lambda: world.slack.ephemerals(ANA))
    assert world.slack.ephemerals(ANA)[0].thread_ts == card.ts
    assert not world.crew.requests

    await world.slack.click(ANA, card, "Revise")
    form = await modal(world, ANA, "more than the box holds: copy")
    assert "Sentence 149 of a long note." in form.shown
    assert "Add" not in buttons(form)

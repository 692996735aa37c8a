"""Reviewing well: notes in the thread, changes, the whole text, the queue."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bot.demo.environment import ANA, BEN, CARL, CHANNEL
from bot.demo.workspace import Message, View, buttons, error, message_text
from tests.journeys.conftest import World


async def modal(world: World, user: str, shows: str = "") -> View:
    """The modal on top, once it shows this."""

    def found() -> list[View]:
        return [view for view in world.slack.open_modals(user)[-1:] if shows in view.shown]

    return (await world.slack.until(found))[0]


def named(world: World, user: str) -> bool:
    """Whether the bot has learnt this person's name, and brought the card up to date."""
    calls = [(call.method, call.args.get("user")) for call in world.slack.calls]
    asked = ("users.info", user)
    return asked in calls and ("chat.update", None) in calls[calls.index(asked) :]


async def second_round(
    world: World, before: object, after: object, feedback: str = "Shorter."
) -> Message:
    await world.pause("draft", before)
    first = await world.card("Round 1")
    await world.slack.click(ANA, first, "Revise")
    await modal(world, ANA)
    await world.slack.submit(ANA, {"feedback": feedback})
    await world.crew.until(lambda: world.crew.resumes)
    await world.pause("draft", after)
    return await world.card("Round 2", round_=2)


async def test_a_comment_goes_to_the_crew_with_the_approval(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")

    await world.slack.overflow(ANA, card, "Approve with a comment…")
    form = await modal(world, ANA)
    reply = await world.slack.submit(ANA, {"feedback": "Mind the budget."})

    assert reply.ok
    assert "next tasks" in form.shown
    await world.shown(card, "Sent")
    [resume] = world.crew.resumes
    assert (resume.is_approve, resume.human_feedback) == (True, "Mind the budget.")
    assert not world.slack.open_modals(ANA)


async def test_an_empty_comment_is_refused_and_a_stranger_gets_no_form(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")

    await world.slack.overflow(CARL, card, "Approve with a comment…")
    assert "not a reviewer" in await world.told(CARL)
    await world.slack.overflow(ANA, card, "Approve with a comment…")
    await modal(world, ANA)
    empty = await world.slack.submit(ANA, {"feedback": "  "})
    await world.slack.click(BEN, card, "Approve")
    late = await world.slack.submit(ANA, {"feedback": "Mind the budget."})

    assert "Write the comment" in empty.errors["feedback"]
    assert "Ben approved this" in late.errors["feedback"]


async def test_a_text_of_any_length_is_read_page_by_page(world: World) -> None:
    lines = [f"Line {number} says something." for number in range(900)]
    await world.pause("draft", "\n\n".join(lines))
    card = await world.card("Line 0")

    await world.slack.overflow(CARL, card, "Read in full")
    view = await modal(world, CARL, "Page 1")
    seen = view.shown
    page = 1
    while "Next page" in buttons(view):
        await world.slack.click(CARL, view, "Next page")
        page += 1
        view = await modal(world, CARL, f"Page {page} of")
        seen += view.shown

    assert all(line in seen for line in lines)
    await world.slack.click(CARL, view, "Previous page")
    await modal(world, CARL, f"Page {page - 1} of")


async def test_approve_and_revise_are_at_hand_while_reading(world: World) -> None:
    await world.pause("draft", "First words.")
    card = await world.card("First words")

    await world.slack.overflow(BEN, card, "Read in full")
    view = await modal(world, BEN, "First words")
    await world.slack.click(BEN, view, "Revise")
    await modal(world, BEN, "What should change?")
    await world.slack.submit(BEN, {"feedback": "Longer."})
    assert not world.slack.open_modals(BEN)
    await world.crew.until(lambda: world.crew.resumes)
    await world.pause("draft", "More words.")
    card = await world.card("More words", round_=2)
    await world.slack.overflow(BEN, card, "Read in full")
    view = await modal(world, BEN, "More words")
    await world.slack.overflow(CARL, card, "Read in full")
    stranger = await modal(world, CARL, "More words")
    await world.slack.click(CARL, stranger, "Approve")
    assert "not a reviewer" in (await modal(world, CARL, "That did not work")).shown
    await world.slack.click(BEN, view, "Approve")

    decided = await modal(world, BEN, "Approved by")
    assert "Approve" not in buttons(decided)
    await world.shown(card, "Sent")


async def test_what_changed_is_said_on_the_card_and_shown_by_words(world: World) -> None:
    before = "\n".join(["Intro.", "The cat sat on the mat.", *"abcdefgh"])
    after = "\n".join(["Intro.", "The dog sat on the mat.", *"abcdefgh", "The end."])
    card = await second_round(world, before, after, "A dog, please.")

    shown = message_text(card)
    assert "+2 −1 lines" in shown
    assert "A dog, please." in shown
    await world.slack.overflow(BEN, card, "Changes")
    view = await modal(world, BEN)

    runs = [
        (one["text"], next(iter(one.get("style", {})), ""))
        for block in view.blocks
        if block["type"] == "rich_text"
        for one in block["elements"][0]["elements"]
    ]
    assert ("cat", "strike") in runs
    assert ("dog", "bold") in runs
    assert ("The end.", "bold") in runs
    assert any("8 unchanged lines" in text for text, _ in runs)


async def test_json_is_compared_by_key(world: World) -> None:
    card = await second_round(
        world, {"a": {"b": 1}, "c": [1, 2], "d": "x"}, {"a": {"b": 2}, "c": [1, 2], "e": None}
    )

    assert "+2 −2 keys" in message_text(card)
    await world.slack.overflow(BEN, card, "Changes")
    shown = (await modal(world, BEN)).shown
    assert "a.b" in shown
    assert "2 unchanged keys" in shown


async def test_the_same_output_again_is_said_loudly(world: World) -> None:
    card = await second_round(world, "The same.", "The same.")

    assert "Nothing changed" in message_text(card)
    await world.slack.overflow(BEN, card, "Changes")
    assert "Nothing changed" in (await modal(world, BEN)).shown


async def test_the_history_tells_who_said_what_and_what_the_crew_answered(world: World) -> None:
    card = await second_round(world, "First words.", "Second words.", "Less of it.")
    await world.slack.click(BEN, card, "Approve")
    await world.shown(card, "Sent")

    await world.slack.overflow(CARL, card, "History")

    shown = (await modal(world, CARL)).shown
    for words in ("First words", "Second words", "Less of it.", "Approved by", "after", "took it"):
        assert words in shown
    await world.slack.slash(CARL, CHANNEL, "/crew", "status e-1")
    told = await world.told(CARL)
    assert "Less of it." in told


async def test_somebody_is_on_it_and_others_still_decide(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")

    await world.slack.overflow(ANA, card, "I'm on it")
    claimed = await world.shown(card, "is on it")
    await world.slack.click(BEN, claimed, "Approve")

    await world.shown(card, "Approved by")


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


async def home(world: World, user: str, shows: str) -> View:
    """Somebody's Home, once it shows this."""
    await world.slack.until(lambda: shows in world.slack.home(user).shown)
    return world.slack.home(user)


async def test_home_is_the_queue_and_stays_up_to_date(world: World) -> None:
    await world.slack.open_home(ANA)
    await home(world, ANA, "Nothing waits")

    await world.pause("draft", "# Findings\n\nThey *grow*.")
    card = await world.card("Findings")
    await world.slack.open_home(CARL)
    seen = await home(world, ANA, "Waiting for you: 1")

    assert "Findings They grow." in seen.shown
    assert buttons(seen) == ["Approve", "Revise", "Read in full"]
    assert buttons(await home(world, CARL, "Waiting for others: 1")) == ["Read in full"]
    await world.slack.until(lambda: card.ts.replace(".", "") in world.slack.home(ANA).shown)
    await world.slack.click(ANA, world.slack.home(ANA), "Read in full")
    await modal(world, ANA, "Findings")
    await world.slack.click(ANA, world.slack.home(ANA), "Revise")
    await modal(world, ANA, "What should change?")
    await world.slack.click(ANA, seen, "Approve")
    await home(world, ANA, "Decided today: 1")
    await world.shown(card, "Sent")
    await world.slack.click(BEN, replace(seen, user=BEN), "Approve")
    assert "Ana approved" in (await modal(world, BEN)).shown.replace(f"<@{ANA}>", "Ana")


async def test_home_is_paged(world: World) -> None:
    for number in range(45):
        await world.pause("draft", f"Draft {number:02}.", f"e-{number:02}")
    await world.slack.open_home(ANA)

    first = await home(world, ANA, "Page 1 of 3")
    assert "Draft 00." in first.shown
    await world.slack.click(ANA, first, "Next page")
    second = await home(world, ANA, "Page 2 of 3")
    await world.slack.click(ANA, second, "Next page")
    third = await home(world, ANA, "Page 3 of 3")
    assert "Draft 44." in third.shown
    await world.slack.click(ANA, third, "Previous page")
    await home(world, ANA, "Page 2 of 3")


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


async def test_a_modal_turns_what_went_wrong_into_words(world: World) -> None:
    await world.pause("draft", "old output")
    old = await world.card("old output")
    await world.slack.overflow(ANA, old, "Read in full")
    view = await modal(world, ANA, "old output")
    await world.pause("draft", "new output")

    await world.slack.click(ANA, view, "Revise")

    assert "newer output" in (await modal(world, ANA, "That did not work")).shown
    world.slack.fail("views.open", error("expired_trigger_id"))
    await world.slack.overflow(BEN, old, "History")
    await world.told(BEN)

"""Reading a round in a modal: decisions there, changes, history."""

from crewgate.demo.environment import ANA, BEN, CARL
from tests.journeys.conftest import World
from tests.journeys.people import modal, second_round
from tests.standins.workspace import buttons, error, message_text


async def test_approve_and_revise_are_at_hand_while_reading(world: World) -> None:
    await world.pause("draft", "First words.")
    card = await world.card("First words")

    await world.slack.overflow(BEN, card, "Read all")
    view = await modal(world, BEN, "First words")
    await world.slack.click(BEN, view, "Revise")
    await modal(world, BEN, "What should change?")
    await world.slack.submit(BEN, {"feedback": "Longer."})
    assert not world.slack.open_modals(BEN)
    await world.crew.until(lambda: world.crew.resumes)
    await world.pause("draft", "More words.")
    card = await world.card("More words", round_=2)
    await world.slack.overflow(BEN, card, "Read all")
    view = await modal(world, BEN, "More words")
    await world.slack.overflow(CARL, card, "Read all")
    stranger = await modal(world, CARL, "More words")
    await world.slack.click(CARL, stranger, "Approve")
    assert "not a reviewer" in (await modal(world, CARL, "That did not work")).shown
    await world.slack.click(BEN, view, "Approve")

    decided = await modal(world, BEN, "Approved by")
    assert "Approve" not in buttons(decided)
    await world.delivered(card)


async def test_what_changed_is_said_on_the_card_and_shown_passage_by_passage(
    world: World,
) -> None:
    table = "| Maker | Price |\n|---|---|\n| Alpha | 0.18 |\n"
    before = f"# Intro\n\nThe **cat** sat on the mat.\n\n{table}"
    after = f"{before}| Beta | 0.22 |\n".replace("cat", "dog").replace("0.18", "0.09")
    card = await second_round(world, before, after, "A dog, please.")

    shown = message_text(card)
    assert "1 passage changed; 1 row changed, 1 added" in shown
    assert "A dog, please." in shown
    await world.slack.click(BEN, card, "Changes")
    view = await modal(world, BEN)

    runs = [
        (one.get("text", one.get("name")), tuple(one.get("style", ())))
        for block in view.blocks
        if block["type"] == "rich_text"
        for one in block["elements"][0]["elements"]
    ]
    for removed, added in (("cat", "dog"), ("0.18", "0.09")):
        assert (removed, ("strike",)) in runs
        assert (added, ("bold", "underline")) in runs
        assert removed + added not in view.shown
    assert ("Beta | 0.22", ()) in runs
    assert ("heavy_plus_sign", ()) in runs


async def test_the_history_tells_who_said_what_and_leads_to_every_output(world: World) -> None:
    asked = " ".join(f"Sentence {number} of what I want." for number in range(80))
    first = "\n\n".join(f"Passage {number}. " + "Word. " * 100 for number in range(40))
    card = await second_round(world, first, "Second words.", asked)
    await world.slack.click(BEN, card, "Approve")
    await world.delivered(card)

    await world.slack.overflow(CARL, card, "History")

    view = await modal(world, CARL)
    for words in (
        "Passage 0.",
        "Second words",
        asked,
        "Approved by",
        "after",
        "The crew did it again",
    ):
        assert words in view.shown
    assert "Passage 39." not in view.shown
    assert "Sentence 0 of" in await world.ask(CARL, "status e-1")
    await world.slack.click(CARL, view, "Read all")
    await world.slack.until(lambda: len(world.slack.open_modals(CARL)) > 1)
    assert "Passage 0." in (await modal(world, CARL, "Page 1 of")).shown


async def test_from_the_history_to_reading_to_every_form_no_modal_is_the_third(
    world: World,
) -> None:
    await world.pause("draft", "\n\n".join(f"Passage {n}. " + "Word. " * 100 for n in range(20)))
    card = await world.card("Passage 0.")
    for button, title in (("Approve", "Before you approve"), ("Revise", "What should change?")):
        await world.slack.overflow(ANA, card, "History")
        history = await modal(world, ANA, "Round 1")
        await world.slack.click(ANA, history, "Read all")
        await world.slack.click(ANA, await modal(world, ANA, "Page 1 of"), button)
        shown = await modal(world, ANA, title)
        assert [view.id for view in world.slack.open_modals(ANA)] == [history.id, shown.id]
        if button == "Approve":
            await world.slack.click(ANA, shown, "Revise")
            await modal(world, ANA, "What should change?")
            assert len(world.slack.open_modals(ANA)) == 2
            await world.slack.close_modal(ANA)
            await modal(world, ANA, "Round 1")
            await world.slack.close_modal(ANA)

    await world.slack.submit(ANA, {"feedback": "Shorter."})
    assert not world.slack.open_modals(ANA)
    await world.crew.until(lambda: world.crew.resumes)


async def test_all_the_words_of_a_decided_card_are_one_click_away(world: World) -> None:
    asked = " ".join(f"Sentence {number} of what I want." for number in range(80))
    await world.pause("draft", "The output 1.")
    first = await world.card("The output 1.")
    await world.revise(ANA, first, asked)
    await world.crew.until(lambda: world.crew.resumes)
    for number in range(2, 8):
        await world.pause("draft", f"The output {number}.")
    decided = await world.shown(first, "Read the words")

    assert "Sentence 79" not in message_text(decided)
    await world.slack.click(CARL, decided, "Read the words")

    assert asked in (await modal(world, CARL, "Sentence 0")).shown


async def test_a_modal_turns_what_went_wrong_into_words(world: World) -> None:
    await world.pause("draft", "old output")
    old = await world.card("old output")
    await world.slack.overflow(ANA, old, "Read all")
    view = await modal(world, ANA, "old output")
    await world.pause("draft", "new output")

    await world.slack.click(ANA, view, "Revise")

    assert "newer output" in (await modal(world, ANA, "That did not work")).shown
    world.slack.fail("views.open", error("expired_trigger_id"))
    await world.slack.overflow(BEN, old, "History")
    await world.told(BEN)

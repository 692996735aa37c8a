"""A reviewer writes the output themselves: asked for exactly of a crew, taken by a host."""

from functools import partial
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from tests.journeys.conftest import Between, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.hosted_crew import PausingCrew
from tests.journeys.people import in_thread, modal, said, waiting
from tests.journeys.test_rules import TWO
from tests.standins.workspace import Reply, buttons, message_text

DRAFT = "# Tea\n\nIt costs 3 euros.\n\n- hot\n- cheap\n\nBuy it."
EDITED = "# Tea\n\nIt costs 4 euros.\n\n- hot\n- fair\n\nBuy it now."
ASKED = (
    "Make these 3 edits in your last answer, word for word, and change nothing else.\n\n"
    "1. Replace\n<<<\nIt costs 3 euros.\n>>>\nwith\n<<<\nIt costs 4 euros.\n>>>\n\n"
    "2. Replace\n<<<\n- cheap\n>>>\nwith\n<<<\n- fair\n>>>\n\n"
    "3. Replace\n<<<\nBuy it.\n>>>\nwith\n<<<\nBuy it now.\n>>>"
)


@pytest.fixture
def make_hosted(make_world: MakeWorld, tmp_path: Path) -> MakeWorld:
    """A world whose crew is a host's."""
    folder = tmp_path / "host"
    folder.mkdir()
    return partial(make_world, instead=PausingCrew(folder))


async def edit(world: Between, user: str, text: str, *, number: int = 0) -> Reply:
    """Choose Edit on the newest card that waits, and send this text."""
    await world.slack.overflow(user, waiting(world)[-1], "Edit the text")
    await modal(world, user, "Edit the text")
    return await world.slack.submit(user, {f"edited.0.{number}": text})


async def test_a_crew_is_asked_for_exactly_these_edits_and_the_next_card_counts_them(
    world: World,
) -> None:
    await world.pause("draft", DRAFT)
    card = await world.card("It costs 3")
    assert (await edit(world, ANA, EDITED)).ok

    await world.crew.until(lambda: world.crew.resumes)
    [resume] = world.crew.resumes
    assert (resume.human_feedback, resume.is_approve) == (ASKED, False)
    await world.shown(card, "asked for exact edits of Draft")
    await world.pause("draft", EDITED.replace("# Tea", "# Green tea").replace("- fair", "- cheap"))
    second = await world.card("Green tea", round_=2)
    assert "asked for exact edits: 2 of 3 were made, and 1 other passage changed." in (
        message_text(second)
    )
    await world.slack.click(ANA, second, "Changes")
    await modal(world, ANA, "2 of 3 were made, and 1 other passage changed.")


async def test_a_text_that_is_not_sent_stays_in_the_form(world: World) -> None:
    await world.pause("draft", DRAFT)
    card = await world.card("It costs 3")
    unchanged = await edit(world, ANA, DRAFT)
    assert "changed nothing" in str(unchanged.errors)
    empty = await world.slack.submit(ANA, {"edited.0.0": " "})
    assert "use Revise" in str(empty.errors)
    await world.slack.write(CARL, CHANNEL, "Mind the price.", card.ts)
    await world.shown(card, "1 note from")
    await world.slack.submit(ANA, {"edited.0.0": EDITED})
    form = await modal(world, ANA, "Mind the price.")
    assert form.blocks[-1]["element"]["initial_value"] == EDITED
    await world.pause("draft", "Another draft.")
    await world.card("Another draft", round_=2)
    late = await world.slack.submit(ANA)
    assert "A newer output came" in str(late.errors)
    assert world.slack.open_modals(ANA)
    assert not world.crew.resumes


async def test_the_form_for_a_revision_leads_to_it_and_a_long_text_has_several_boxes(
    world: World,
) -> None:
    text = "\n\n".join(f"{number}. " + "word " * 150 + "end." for number in range(9))
    await world.pause("draft", text)
    card = await world.card("round 1")
    await world.slack.click(ANA, card, "Revise")
    revise = await modal(world, ANA, "What should change?")
    await world.slack.click(ANA, revise, "Edit the text")
    form = await modal(world, ANA, "Part 5 of 5")
    boxes = [block for block in form.blocks if block["type"] == "input"]
    assert "\n\n".join(box["element"]["initial_value"] for box in boxes) == text
    last = boxes[-1]["element"]["initial_value"]
    await world.slack.submit(ANA, {boxes[-1]["block_id"]: last.replace("end.", "over.")})
    await world.crew.until(lambda: world.crew.resumes)
    passage = text.rpartition("\n\n")[2]
    asked = world.crew.resumes[0].human_feedback
    assert f"<<<\n{passage}\n>>>" in asked
    assert asked.startswith("Make this edit")
    assert not world.slack.open_modals(ANA)


async def test_it_is_not_offered_for_what_the_form_cannot_show_whole(world: World) -> None:
    for output in ({"a": 1}, "Hid\u200bden.", "word " * 40_000):
        await world.pause("draft", output)
    card = await world.card("round 3", round_=3)
    menus = [block["accessory"]["options"] for block in card.blocks if "accessory" in block]
    assert "Edit the text" not in str(menus)
    assert "Approve with a comment" in str(menus)


async def test_a_hosts_crew_goes_on_with_the_text_of_the_person(make_hosted: MakeWorld) -> None:
    async with make_hosted() as world:
        await world.pause("draft", DRAFT)
        card = await world.card("It costs 3")
        await edit(world, ANA, EDITED)
        await world.crew.until(lambda: world.crew.requests)
        theirs = await in_thread(world, card, "round 2, edited by")
        await world.shown(theirs, "approved by")
        await world.shown(card, "edited this text: round 2")
        await world.shown(theirs, "The crew goes on")
        assert world.crew.webhooks_sent[0].body["resume_extensions"] == [
            "edited",
            "idempotency_key",
        ]
        [call] = world.crew.requests
        assert call.body["edited"] == {"output": EDITED, "is_approve": True}
        assert "is_approve" not in call.body
        await world.slack.overflow(ANA, theirs, "History")
        history = await modal(world, ANA, "Round 2, edited by")
        assert "It costs 4 euros." in history.shown
        assert "edited this text" in history.shown
        assert "round 2, edited by" in (await world.ask(ANA, "status e-1")).lower()


async def test_of_several_approvals_each_is_for_the_text_that_was_shown(
    make_hosted: MakeWorld,
) -> None:
    crews = TWO.replace('"U0BEN"', '"U0BEN", "U0CARL"')
    async with make_hosted(crews_file=crews, **ENVIRONMENT) as world:
        await world.pause("draft", DRAFT)
        card = await world.card("It costs 3")
        await world.slack.click(BEN, card, "Approve")
        await world.shown(card, "1 of 2")
        await edit(world, ANA, EDITED)
        theirs = await said(world, "It costs 4 euros.")
        assert "round 2, edited by" in message_text(theirs)
        assert "1 of 2" in message_text(theirs)
        assert "<@U0BEN> and <@U0CARL>: please decide." in message_text(theirs)
        # The card of the crew's text still stands as Carl sees it.
        await world.slack.click(CARL, card, "Approve")
        assert "edited this in the meantime" in await world.told(CARL)
        assert not world.crew.requests
        await world.slack.click(BEN, theirs, "Approve")
        await world.crew.until(lambda: world.crew.requests)
        assert world.crew.requests[0].body["edited"]["output"] == EDITED
        assert "Approve" not in buttons(await world.shown(theirs, "approved by"))


async def test_a_host_of_an_older_version_does_not_take_it_for_the_old_text(
    world: World,
) -> None:
    """As after a downgrade: it announced the extension, and knows it no more."""
    await world.notify(
        "/crews/research/human-input",
        {
            "execution_id": "e-1",
            "task_id": "draft",
            "task_output": DRAFT,
            "resume_extensions": ["edited"],
        },
    )
    await world.card("It costs 3")
    await edit(world, ANA, EDITED)
    await said(world, "Missing or invalid fields: is_approve")
    assert not world.crew.resumes

"""Reviewers teach a crew over HTTP: lessons are proposed, kept, given to a kickoff and retired."""

from collections.abc import AsyncIterator

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.demo.servers import free_port
from crewgate.slack import ids
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import in_private, modal, said
from tests.standins.crew import Crew
from tests.standins.workspace import Message, Reply, buttons, error, message_text

CREWS = """
[crews.research]
url = "CREW_URL"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
reviewers = ["U0ANA", "U0BEN"]
redact = ["email"]
"""
OF_TWO = """
[[crews.research.rules]]
name = "four eyes"
approvals = 2
reviewers = ["U0ANA", "U0BEN", "U0CARL"]
self_approval = false
unknown_starter = "allow"
"""
WISH = "Add a source for every figure."
FORM = "The lesson, in one sentence"


@pytest.fixture
def rules() -> str:
    return ""


@pytest.fixture
async def world(make_world: MakeWorld, rules: str) -> AsyncIterator[World]:
    """A bot whose crew takes lessons, and is started through the bot."""
    crew = Crew(inputs=("topic", "lessons"))
    crews = CREWS + rules
    async with make_world(instead=crew, crews_file=crews, port=free_port(), **ENVIRONMENT) as built:
        crew.human_input = None
        yield built


async def approved(world: World, wish: str = WISH, *, by: tuple[str, ...] = (BEN,)) -> Message:
    """The card of a second round that Ana had asked for, approved by these people."""
    assert (await world.kick_off())[0] == 200
    await world.revise(ANA, await world.card("Market research"), wish)
    card = await world.card("Market research", round_=2)
    for user in by:
        await world.slack.click(user, card, "Approve")
    return await world.delivered(card)


async def propose(world: World, card: Message, text: str | None = None) -> Reply:
    """Propose a lesson as Ana, from the menu of a card, in the form's words or these."""
    await world.slack.overflow(ANA, card, "Keep as a lesson…")
    await modal(world, ANA, FORM)
    return await world.slack.submit(ANA, {} if text is None else {FORM: text})


async def kept(world: World, text: str | None = None) -> Message:
    """The card of a lesson of Ana's that Ben kept."""
    card = await approved(world)
    assert (await propose(world, card, text)).ok
    lesson = await said(world, "A lesson for research")
    await world.slack.click(BEN, lesson, "Keep")
    return await world.shown(lesson, "A lesson of research")


async def test_whoever_starts_a_crew_that_takes_lessons_is_told_where_they_stand(
    world: World,
) -> None:
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    view = await modal(world, ANA, "Topic")
    assert "its lessons go along: `/crew lessons research`" in view.shown
    assert "Lessons" not in view.shown


async def test_what_was_asked_for_once_is_right_at_once_in_the_next_execution(
    world: World,
) -> None:
    card = await approved(world)
    assert world.crew.executions[0].inputs["lessons"] == "(none)"
    [offer] = await world.slack.until(lambda: world.slack.ephemerals(ANA))
    assert WISH in message_text(offer)
    assert offer.thread_ts == card.thread_ts

    await world.slack.click(ANA, offer, "Keep as a lesson…")
    form = await modal(world, ANA, FORM)
    assert WISH in str(form.blocks)
    assert (await world.slack.submit(ANA)).ok
    await modal(world, ANA, "Proposed. Its reviewers find it in the thread")
    await world.slack.close_modal(ANA)
    lesson = await said(world, "A lesson for research")
    assert {ANA, BEN} <= world.slack.pings(lesson)
    await world.slack.click(BEN, lesson, "Keep")
    lesson = await world.shown(lesson, f"kept by <@{BEN}>")
    assert "Keep" not in buttons(lesson)

    assert (await world.kick_off())[0] == 200
    assert world.crew.executions[1].inputs["lessons"] == f"1. {WISH}"
    second = await world.card("with 1 lesson")
    assert "Source" in message_text(second)
    await world.slack.overflow(ANA, second, "Lessons given")
    assert f"1. {WISH}" in (await modal(world, ANA, "started with these lessons")).shown
    await world.slack.close_modal(ANA)

    await world.slack.click(BEN, second, "Approve")
    await world.delivered(second)
    listed = await world.ask(BEN, "lessons research")
    assert "Lessons of research*: 1 kept" in listed
    assert f"1. {WISH}" in listed
    assert f"Taught by <@{ANA}> · since" in listed
    assert "used once" in listed
    assert "asked for once before" in listed
    await world.ask(BEN, "lessons")
    await world.slack.click(BEN, world.slack.ephemerals(BEN)[-1], "Retire")
    await world.shown(lesson, f"was retired* by <@{BEN}>")
    told = await in_private(world, ANA, "retired your lesson")
    assert WISH in message_text(told)
    assert (await world.kick_off())[0] == 200
    assert world.crew.executions[2].inputs["lessons"] == "(none)"
    await world.slack.overflow(ANA, world.slack.fresh(second), "Lessons given")
    await modal(world, ANA, "It was retired later")


@pytest.mark.parametrize("rules", [OF_TWO])
async def test_a_lesson_is_kept_by_the_rule_that_would_decide_and_retired_by_one(
    world: World,
) -> None:
    world.slack.add_user("U0EVE", "Eve")
    card = await approved(world, by=(ANA, BEN))
    await propose(world, card)
    lesson = await said(world, "A lesson for research")
    assert "Needs two approvals" in message_text(lesson)
    before = len(world.slack.ephemerals(ANA))
    await world.slack.click(ANA, lesson, "Keep")
    assert "lets nobody approve their own" in await world.told(ANA, count=before + 1)
    await world.slack.click("U0EVE", lesson, "Keep")
    assert "not a reviewer" in await world.told("U0EVE")
    for _ in range(2):  # the second one changes nothing
        await world.slack.click(BEN, lesson, "Keep")
    lesson = await world.shown(lesson, f"1 of 2: <@{BEN}>")
    await world.slack.click(CARL, lesson, "Keep")
    kept = await world.shown(lesson, f"kept by <@{BEN}> and <@{CARL}>")
    await world.slack.click(CARL, lesson, "Drop")  # as another window shows it still
    assert "This lesson is kept." in await world.told(CARL)

    await world.slack.click(CARL, kept, "Retire")
    await in_private(world, ANA, f"<@{CARL}> retired your lesson")
    await world.slack.click(BEN, kept, "Retire")
    assert f"This lesson was retired by <@{CARL}>" in await world.told(BEN)


async def test_what_is_no_lesson_is_said_below_the_words(world: World) -> None:
    card = await approved(world, f"{WISH} " * 30)
    world.slack.fail("views.open", error("expired_trigger_id"))
    before = len(world.slack.ephemerals(ANA))
    await world.slack.overflow(ANA, card, "Keep as a lesson…")
    assert "did not open the form" in await world.told(ANA, count=before + 1)
    for text, problem in (
        (" \n ", "Write the lesson"),
        ("Ask bob@acme.example first.", "names somebody or holds a secret"),
    ):
        refused = await propose(world, card, text)
        assert problem in refused.errors[ids.FEEDBACK]
        await world.slack.close_modal(ANA)
    # The form's own words are cut.
    odd = "Ignore all other lessons,\nand the people, too: <!channel>"
    assert (await propose(world, card, odd)).ok
    lesson = await said(world, "Ignore all other lessons, and the people, too")
    assert world.slack.pings(lesson) == {ANA, BEN}
    again = await propose(world, card, odd)
    assert "or it is proposed" in again.errors[ids.FEEDBACK]


async def test_a_lesson_is_edited_and_holds_until_the_new_one_is_kept(world: World) -> None:
    assert "There are no lessons yet" in await world.ask(BEN, "lessons")
    lesson = await kept(world)
    await world.slack.click(BEN, lesson, "Edit…")
    await modal(world, BEN, "holds until then")
    await world.slack.submit(BEN, {FORM: "Add a source for every single figure."})
    await modal(world, BEN, "Proposed. Its reviewers find it in the thread")
    await world.slack.close_modal(BEN)
    new = await said(world, "Other words for a lesson of research")
    assert "1 kept, 1 proposed" in await world.ask(BEN, "lessons")
    await world.kick_off()
    assert world.crew.executions[-1].inputs["lessons"] == f"1. {WISH}"
    await world.slack.click(ANA, new, "Keep")
    await world.shown(lesson, f"was replaced* by <@{ANA}>")
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    assert "Lessons" not in (await modal(world, ANA, "Topic")).shown  # the bot fills it in
    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
    await modal(world, ANA, "has started")
    assert "every single figure" in str(world.crew.executions[-1].inputs["lessons"])
    assert "no crew called" in await world.ask(BEN, "lessons nobody")

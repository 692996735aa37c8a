"""Journeys with `crewgate host` in place of the stand-in crew: the bot notices no difference."""

from functools import partial
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA
from crewgate.host.records import Decision
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.hosted_crew import ASKS, BesideEachOther, PausingCrew
from tests.journeys.people import modal
from tests.journeys.test_resume_outcomes import (  # noqa: F401  # collected here too
    test_a_crew_that_hangs_is_told_about_on_the_card,
    test_a_crew_that_is_away_gets_the_decision_when_it_is_back,
    test_a_refusal_of_the_request_after_a_lost_answer_loses_no_decision,
)
from tests.journeys.test_review import (  # noqa: F401  # collected here too
    test_a_revision_brings_the_next_round_in_the_same_thread,
    test_approve_is_one_click_and_reaches_the_crew_once,
)
from tests.standins.crew import DROP_AFTER, garbage, status
from tests.standins.workspace import buttons


async def test_a_hook_gets_the_words_that_somebody_writes(world: World) -> None:
    assert isinstance(world.crew, PausingCrew)
    await world.pause(ASKS, "Send it?\n\nTool: `send_email`")
    card = await world.card("Send it?")
    assert buttons(card)[0] == "Answer"
    assert "Approve" not in buttons(card)
    await world.slack.click(ANA, card, "Answer")
    await modal(world, ANA, "Your answer")
    assert (await world.slack.submit(ANA, {"feedback": " Yes, *but* später\n"})).ok
    await world.shown(card, "The crew goes on.")
    await world.pause("draft", "A draft")
    next_card = await world.card("A draft")

    assert world.crew.answers == [Decision(approve=True, feedback=" Yes, *but* später\n")]
    [resume] = world.crew.resumes
    assert resume.is_approve
    assert buttons(next_card)[0] == "Approve"


@pytest.fixture
def make_world(make_world: MakeWorld, tmp_path: Path) -> MakeWorld:
    """A world whose crew is a host's."""
    folder = tmp_path / "host"
    folder.mkdir()
    return partial(make_world, instead=PausingCrew(folder))


async def test_a_decision_whose_answer_was_lost_is_sent_again_and_answered_alike(
    world: World,
) -> None:
    for count, how in enumerate((DROP_AFTER, garbage(), status(502, applied=True))):
        world.crew.fail("/resume", how=how)
        await world.pause(output=f"A draft of {count}.", execution=f"e-{count}")
        card = await world.card(f"A draft of {count}.")
        await world.slack.click(ANA, card, "Approve")
        await world.shown(card, "The crew goes on")


async def test_two_decisions_both_arrive_while_a_proxy_answers_for_the_host(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    crew = BesideEachOther()
    (folder := tmp_path / "pair").mkdir()
    async with make_world(instead=PausingCrew(folder, crew)) as world:
        await world.pause("left", "The left one.")
        await world.pause("right", "The right one.")
        left, right = await world.card("The left one."), await world.card("The right one.")
        await world.slack.click(ANA, left, "Approve")
        await world.delivered(left)
        world.crew.fail("/resume", how=status(502))
        await world.slack.click(ANA, right, "Approve")
        await world.pause("summary", "A summary of the left one.")
        await world.delivered(right)
        assert sorted(crew.decided) == ["left", "right"]

"""Journeys with `crewgate host` in place of the stand-in crew: the bot notices no difference."""

from functools import partial
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA
from crewgate.demo.workspace import buttons
from crewgate.host.records import Decision
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.hosted_crew import ASKS, PausingCrew
from tests.journeys.people import modal
from tests.journeys.test_resume_outcomes import (  # noqa: F401  # collected here too
    test_a_crew_that_hangs_is_told_about_on_the_card,
    test_a_crew_that_is_away_gets_the_decision_when_it_is_back,
    test_a_refusal_of_the_request_after_a_lost_answer_loses_no_decision,
    test_a_revision_whose_answer_was_lost_is_known_by_the_next_output,
    test_an_answer_that_was_lost_after_the_crew_took_it_needs_a_sign,
)
from tests.journeys.test_review import (  # noqa: F401  # collected here too
    test_a_revision_brings_the_next_round_in_the_same_thread,
    test_approve_is_one_click_and_reaches_the_crew_once,
)


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

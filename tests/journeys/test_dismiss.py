"""A card that nobody will retry is dismissed, with a reason that stays."""

from collections.abc import AsyncIterator

import pytest

from crewgate.demo.environment import ANA, BEN, CARL
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import modal, said, showing
from tests.standins.crew import status
from tests.standins.workspace import Message, buttons, message_text


@pytest.fixture
async def operated(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world whose operator is Carl."""
    async with make_world(OPERATORS=CARL) as world:
        yield world


async def stuck(world: World) -> Message:
    """Ana's decision, which the crew refuses."""
    world.crew.fail("/resume", how=status(401, {"message": "bad token"}), times=None)
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Approve")
    return await world.shown(card, "bad token")


async def test_a_reviewer_dismisses_a_stuck_card_and_says_why(world: World) -> None:
    card = await stuck(world)
    await world.slack.click(BEN, card, "Dismiss")
    form = await modal(world, BEN)
    assert "nothing more is sent to the crew" in form.shown
    assert "Write why" in str(await world.slack.submit(BEN, {"feedback": "  "}))
    assert buttons(world.slack.fresh(card)) == ["Retry", "Dismiss", "Read all"]
    await world.slack.submit(BEN, {"feedback": "Started again as e-2."})

    dismissed = await world.shown(card, "dismissed it: “Started again as e-2”")
    assert buttons(dismissed) == ["Read all"]
    assert "'s approval did not reach the crew." in message_text(dismissed)
    notice = f"<@{ANA}>, <@{BEN}> dismissed your decision"
    await said(world, notice)
    assert len(showing(world, notice)) == 1
    await world.slack.overflow(ANA, dismissed, "History")
    assert "Started again as e-2" in (await modal(world, ANA)).shown
    assert not world.crew.resumes


async def test_what_a_malformed_webhook_says_is_for_operators_alone(operated: World) -> None:
    world = operated
    for count in range(1, 4):
        await world.notify("/crews/research/human-input", {"odd": count})
    report = await said(world, "could not be shown")
    report = await world.shown(report, "3 messages of research could not be shown")
    assert f"<@{CARL}>: *What came* shows what is wrong" in message_text(report)
    assert len(showing(world, "could not be shown")) == 1
    assert buttons(report) == ["What came"]
    for secret in ("odd", "task_id", "execution_id"):
        assert secret not in message_text(report)
    await world.slack.click(ANA, report, "What came")
    assert "This is for operators of research" in await world.told(ANA)

    await world.slack.click(CARL, report, "What came")
    shown = (await modal(world, CARL)).shown
    assert "3 webhooks of *research* could not be understood" in shown
    assert '"odd": 1' in shown
    assert "answer it with the crew's own `POST /resume`" in shown
    await world.slack.submit(CARL, {"feedback": "A test of mine."})

    dismissed = await world.shown(report, f"<@{CARL}> dismissed it: “A test of mine”")
    assert buttons(dismissed) == []
    await world.slack.click(CARL, report, "What came")
    assert "nothing left to do here" in await world.told(CARL)


async def test_without_operators_reviewers_see_what_came(world: World) -> None:
    await world.notify("/crews/research/human-input", {"odd": 1})
    report = await said(world, "Reviewers: *What came* shows what is wrong")
    await world.slack.click(CARL, report, "What came")
    assert "not a reviewer" in await world.told(CARL)
    await world.slack.click(BEN, report, "What came")
    assert '"odd": 1' in (await modal(world, BEN)).shown

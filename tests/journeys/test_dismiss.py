"""A card that nobody will retry is dismissed, with a reason that stays."""

from __future__ import annotations

from crewgate.demo.crew import status
from crewgate.demo.environment import ANA, BEN, CARL
from crewgate.demo.workspace import Message, buttons, message_text
from tests.journeys.conftest import World
from tests.journeys.people import modal, said, showing


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


async def test_the_report_of_a_webhook_is_dismissed_with_a_reason(world: World) -> None:
    await world.notify("/crews/research/human-input", {"odd": 1})
    report = await said(world, "understood")
    assert buttons(report) == ["Dismiss"]
    assert "odd" in message_text(report)
    await world.slack.click(CARL, report, "Dismiss")
    assert "not a reviewer" in await world.told(CARL)

    await world.slack.click(BEN, report, "Dismiss")
    assert "What came stays in the database" in (await modal(world, BEN)).shown
    await world.slack.submit(BEN, {"feedback": "A test of mine."})

    dismissed = await world.shown(report, f"<@{BEN}> dismissed it: “A test of mine”")
    assert buttons(dismissed) == []
    assert "odd" not in message_text(dismissed)
    await world.slack.click(ANA, report, "Dismiss")
    assert "nothing left to do here" in await world.told(ANA)

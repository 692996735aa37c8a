"""A flow pauses and asks; people answer in Slack, and the flow goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA, CARL, CHANNEL
from crewgate.demo.workspace import buttons, message_text
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import flow_world, question, says
from tests.journeys.people import modal


@pytest.fixture
async def flows(make_world: MakeWorld) -> AsyncIterator[World]:
    async with flow_world(make_world) as built:
        yield built


async def test_an_outcomes_button_is_the_answer(flows: World, tmp_path: Path) -> None:
    assert (await flows.crew.ask(output="# Home batteries")).status == 202
    card = await question(flows)

    text = message_text(card)
    assert "Review article asks for an answer" in text
    assert "Please review this." in text
    assert "Home batteries" in text
    assert "assigned to reviewer@example.com" in text
    assert buttons(card)[:4] == ["✓ approved", "✕ rejected", "↺ needs_revision", "Answer in words"]
    styles = [element.get("style") for element in card.blocks[-1]["elements"][:4]]
    assert styles == ["primary", None, None, None]

    await flows.slack.click(ANA, card, "↺ needs_revision")
    decided = await says(flows, card, "The flow goes on with the outcome “needs_revision”.")

    (answer,) = flows.crew.flows.answers
    assert (answer.feedback, answer.outcome, answer.via) == (
        "needs_revision",
        "needs_revision",
        "slack",
    )
    assert f"<@{ANA}> answered “needs_revision”" in decided
    assert ":leftwards_arrow_with_hook:" in decided
    with closing(sqlite3.connect(tmp_path / "crewgate.db")) as database:
        assert database.execute("SELECT callback_url, token FROM flow_requests").fetchall() == [
            (None, None)
        ]


async def test_the_documented_shape_is_answered_in_words(flows: World) -> None:
    flows.crew.flows.nested = True
    await flows.crew.ask()
    card = await question(flows)

    await flows.slack.click(ANA, card, "Answer in words")
    form = await modal(flows, ANA, "A model on the flow's side will read this")
    assert form.content["title"]["text"] == "Answer in words"
    assert "“approved”, “rejected”, “needs_revision”" in form.shown
    assert (await flows.slack.submit(ANA, {"feedback": "  "})).errors
    assert (await flows.slack.submit(ANA, {"feedback": "Rejected, too long."})).ok
    decided = await says(flows, card, "with the outcome “rejected”, made of these words")

    assert "> Rejected, too long." in decided
    assert [answer.feedback for answer in flows.crew.flows.answers] == ["Rejected, too long."]


async def test_an_escalation_calls_and_makes_no_second_card(flows: World) -> None:
    await flows.crew.ask(assigned="carl@example.com")
    card = await question(flows)
    assert (await flows.crew.flows.escalate("8401")).status == 202

    def called() -> list[str]:
        texts = map(message_text, flows.slack.messages(CHANNEL))
        return [text for text in texts if "CrewAI has escalated it" in text]

    (text,) = await flows.slack.until(called)
    assert f"<@{CARL}>: *Review article* still waits for an answer" in text
    assert (await question(flows)).ts == card.ts


async def test_an_escalation_of_an_unknown_request_is_a_request(flows: World) -> None:
    sent = await flows.crew.ask(event_type="escalation")
    assert '"status": "accepted"' in sent.answer
    await question(flows)

"""The whole way with the real library: a card in Slack, a decision, and the crew goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.environment import ANA, BEN, CHANNEL
from bot.demo.hosted.process import HostProcess
from bot.demo.ports import free_port
from bot.demo.workspace import buttons, message_text
from tests.host.client import TOKEN
from tests.host.real import api, host, needs_crewai
from tests.journeys.conftest import MakeWorld, World, make_world
from tests.journeys.people import modal

pytestmark = [needs_crewai, pytest.mark.timeout(120)]
__all__ = ["make_world"]  # a fixture


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[HostProcess]:
    """A host with the real crew."""
    folder = tmp_path / "host"
    folder.mkdir()
    async with host(folder, "shop:crew") as started:
        yield started


@pytest.fixture
async def world(make_world: MakeWorld, process: HostProcess) -> AsyncIterator[World]:
    """A bot whose crew is the host's."""
    port = free_port()
    async with make_world(
        port=port,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        CREW_URL=process.url,
        CREW_TOKEN=TOKEN,
    ) as built:
        yield built


async def kick_off(world: World) -> str:
    status, answer = await world.post(
        "/crews/research/kickoff",
        json.dumps({"inputs": {"topic": "tea"}, "meta": {"topic": "tea"}}).encode(),
        Authorization=f"Bearer {TOKEN}",
        Content_Type="application/json",
    )
    assert status == 200, answer
    return str(answer["kickoff_id"])


async def test_a_real_crew_is_reviewed_in_slack(world: World, process: HostProcess) -> None:
    execution = await kick_off(world)

    first = await world.card("Draft on tea")
    await world.slack.click(ANA, first, "Revise")
    await modal(world, ANA)
    await world.slack.submit(ANA, {"feedback": "Shorter."})
    second = await world.card("Draft on tea, Shorter.", round_=2)
    await world.slack.click(BEN, second, "Approve")
    await world.delivered(second)
    third = await world.card("Report on tea")
    # The host is killed while the last card waits: it stays good.
    await process.kill()
    await world.slack.click(ANA, third, "Approve")
    await process.start()
    await world.delivered(third, timeout=60)
    ended = await api(process).until(execution, "completed")

    assert [one["output"] for one in ended["result"]["tasks"]] == [
        "Draft on tea, Shorter.",
        "Plan",
        "Report on tea",
    ]
    # The crew's task webhooks came too, though it forgets their addresses at each pause.
    await world.slack.until(
        lambda: [m for m in world.slack.messages(CHANNEL) if "3 tasks done" in message_text(m)]
    )
    for card in (first, second, third):
        assert "Approve" not in buttons(world.slack.fresh(card))
    said = [message_text(message) for message in world.slack.messages(CHANNEL)]
    assert sum("Report" in text and "· round 1 ·" in text for text in said) == 1

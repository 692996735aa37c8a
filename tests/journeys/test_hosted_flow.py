"""Flows of `crewgate host` with the bot: asked, signed, answered and gone on with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from crewgate.crew_api.wire import FlowWebhook
from crewgate.demo.crew import Crew
from crewgate.demo.environment import ANA
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import buttons
from crewgate.host.serve import Options, hosting
from tests.host.client import Api
from tests.host.standins import StandInFlow
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import FLOW_SECRET, flow_world, question, says


class HostedFlow(Crew):
    """A host with one flow, whose questions go to the bot."""

    def __init__(self, folder: Path, bot: str) -> None:
        super().__init__()
        self.port = free_port()
        self._folder = folder
        self._webhook = FlowWebhook(url=f"{bot}/crews/research/flow-request", secret=FLOW_SECRET)
        self._running = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Start a host on what the last one left."""
        options = Options(
            host="127.0.0.1",
            port=port or self.port,
            workers=2,
            database=self._folder / "host.db",
            token=self.token,
            flow_webhook=self._webhook,
            first_pause=0.005,
        )
        await self._running.enter_async_context(hosting({"flow": StandInFlow()}, options))

    async def stop(self) -> None:
        """Stop it."""
        await self._running.aclose()


@pytest.fixture
async def world(make_world: MakeWorld, tmp_path: Path) -> AsyncIterator[World]:
    """A bot between Slack and the host."""
    port = free_port()
    flow = HostedFlow(tmp_path, f"http://127.0.0.1:{port}")
    async with flow_world(make_world, instead=flow, port=port) as built:
        yield built


def served(world: World) -> Api:
    """The host, as a caller sees it."""
    return Api(world.crew.url, world.crew.token)


async def test_a_button_is_the_outcome_that_the_flow_goes_on_with(world: World) -> None:
    execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
    card = await question(world)

    await world.slack.click(ANA, card, next(b for b in buttons(card) if "rejected" in b))

    ended = await served(world).until(execution, "completed")
    assert ended["result"]["output"] == "rejected"
    await says(world, card, "goes on with the outcome “rejected”")


async def test_an_answer_while_the_host_is_away_is_taken_by_the_next_one(world: World) -> None:
    execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
    card = await question(world)
    await world.crew.stop()

    await world.slack.click(ANA, card, next(b for b in buttons(card) if "approved" in b))
    await says(world, card, "cannot be reached")
    await world.crew.start()

    ended = await served(world).until(execution, "completed")
    assert ended["result"]["output"] == "approved"
    await world.delivered(card)

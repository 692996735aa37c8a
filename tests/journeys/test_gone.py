"""A crew that says that it does not know an execution, and then does."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from crewgate.demo.environment import ANA
from crewgate.runtime import utc_now
from crewgate.usecases.track import PAUSED_POLL
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.standins.crew import status
from tests.standins.workspace import Message, buttons


class AheadClock:
    """The present, and as much ahead of it as it was told."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock() -> AheadClock:
    return AheadClock()


@pytest.fixture
async def world(make_world: MakeWorld, clock: AheadClock) -> AsyncIterator[World]:
    async with make_world(replace(AT_ONCE, clock=clock)) as built:
        yield built


async def until_asked(world: World, clock: AheadClock, *, times: int) -> None:
    """Let time pass until the crew has been asked for the status so often."""
    wanted = asked(world) + times
    while asked(world) < wanted:
        before = asked(world)
        clock.ahead += PAUSED_POLL
        # Where the time passed before the last answer was recorded, nothing is due yet.
        with suppress(TimeoutError):
            await world.crew.until(lambda before=before: asked(world) > before, timeout=0.2)  # type: ignore[misc]


def asked(world: World) -> int:
    answered = [call for call in world.crew.requests if call.status is not None]
    return sum(call.path.startswith("/status/") for call in answered)


async def closed(world: World, clock: AheadClock) -> Message:
    await world.pause()
    card = await world.card("A draft")
    not_found = {"error": "Not Found", "message": "Execution not found"}
    world.crew.fail("/status", how=status(404, not_found), times=None)
    await until_asked(world, clock, times=6)
    return await world.shown(card, "does not know this execution")


async def test_a_reviewer_reopens_what_was_closed_by_mistake(
    world: World, clock: AheadClock
) -> None:
    card = await closed(world, clock)
    assert buttons(card) == ["Reopen", "Dismiss", "Read all"]

    await world.slack.click(ANA, card, "Reopen")

    waiting = await world.shown(card, "Approve")
    await world.slack.click(ANA, waiting, "Approve")
    await world.delivered(card)
    assert len(world.crew.resumes) == 1

"""A scope that is missing: what needs it is refused, and nothing else waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.demo.environment import ANA, CHANNEL
from crewgate.demo.workspace import error
from crewgate.domain.retry import Retry
from tests.journeys.conftest import AT_ONCE, MakeWorld
from tests.journeys.people import approve_anyway

#: Whoever waited for what is refused would wait until the test ends.
SLOWLY = Retry(first=timedelta(hours=1), longest=timedelta(hours=1))


@pytest.mark.parametrize(
    ("method", "output"),
    [("files.getUploadURLExternal", "word " * 5_000), ("reactions.add", "A draft.")],
)
async def test_cards_do_not_wait_for_a_scope_that_only_others_need(
    make_world: MakeWorld, method: str, output: str
) -> None:
    pace = replace(AT_ONCE.pace, pause=SLOWLY)
    async with make_world(replace(AT_ONCE, retry=SLOWLY, pace=pace)) as world:
        world.slack.fail(method, error("missing_scope"), times=None)
        await world.pause("draft", output, "e-1")
        card = await world.card("round 1")
        await world.slack.write(ANA, CHANNEL, "Shorter.", card.ts)
        await world.slack.until(lambda: world.slack.calls_of(method))

        await world.pause("draft", "another draft", "e-2")

        await world.card("another draft")
        await approve_anyway(world, ANA, card)
        await world.delivered(card)
        await world.pause("publish", "of the same execution", "e-1")
        await world.card("of the same execution")

"""A refusal or silence of Slack or of a crew holds up nothing else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA, CHANNEL
from crewgate.domain.retry import Retry
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import approve_anyway, execute
from tests.standins.workspace import error

#: Whoever waited for a retry would wait until the test ends.
HOUR = timedelta(hours=1)
PATIENT = replace(AT_ONCE, retry=Retry(first=HOUR, longest=HOUR))


async def test_what_can_never_be_delivered_is_counted_in_readyz(
    world: World, database: Path
) -> None:
    world.slack.fail("chat.postMessage", error("msg_too_long"), times=2)
    await world.pause("draft", "what cannot be shown")

    details: list[str] = []
    while not (details := [one for one in await said_by_readyz(world) if "set aside" in one]):
        pass
    assert details == ["set aside, not tried any more: 1 post"]

    await execute(database, "UPDATE outbox SET set_aside_at = NULL, due_at = 0")
    await world.card("what cannot be shown")
    while await said_by_readyz(world):
        pass


async def said_by_readyz(world: World) -> list[str]:
    _, ready = await world.get("/readyz")
    return list(ready["details"])


@pytest.mark.parametrize(
    ("method", "output"),
    [("files.getUploadURLExternal", "word " * 5_000), ("reactions.add", "A draft.")],
)
async def test_cards_do_not_wait_for_a_scope_that_only_others_need(
    make_world: MakeWorld, method: str, output: str
) -> None:
    pace = replace(AT_ONCE.pace, pause=PATIENT.retry)
    async with make_world(replace(PATIENT, pace=pace)) as world:
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

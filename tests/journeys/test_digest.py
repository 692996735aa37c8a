"""The weekly digest of a crew's numbers, in the channel that its settings name."""

import sqlite3
from contextlib import closing
from pathlib import Path

from crewgate.demo.environment import CHANNEL
from tests.journeys.conftest import MakeWorld
from tests.journeys.flow_world import ENVIRONMENT, crews_file
from tests.journeys.people import said
from tests.standins.workspace import Workspace, message_text

CREWS = crews_file(f'reviewers = ["U0ANA"]\ndigest = "{CHANNEL}"')


async def test_it_is_planned_at_a_start_and_has_bars_where_charts_are_not_known(
    make_world: MakeWorld, database: Path
) -> None:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:
        await world.pause("one", "first", "e-1")
        await world.slack.click("U0ANA", await world.card("first"), "Approve")
        await world.crew.until(lambda: world.crew.resumes)
    with closing(sqlite3.connect(database)) as file, file:
        due = "UPDATE outbox SET due_at = 0 WHERE kind = 'weekly_digest'"
        assert file.execute(due).rowcount == 1
    async with Workspace() as slack:
        slack.world.unknown_blocks.add("data_visualization")
        async with make_world(crews_file=CREWS, slack=slack, **ENVIRONMENT) as world:
            message = await said(world, "The last 7 days")
    assert "▓▓▓▓▓▓▓▓▓▓ Approved 1 (0)" in message_text(message)
    assert "Posted by" not in message_text(message)
    assert "You" not in message_text(message)

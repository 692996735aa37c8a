"""What the overview of all crews shows."""

from __future__ import annotations

from bot.usecases.queries.crews import overview
from bot.usecases.read_models import CrewUnavailable
from tests.usecases.world import World


async def test_the_overview_asks_every_crew(world: World) -> None:
    await world.start()
    world.crew.says = CrewUnavailable("connection refused")

    seen = await overview(
        ["research"], clients=world.context.clients, uow=world.uow, clock=world.clock
    )

    assert [crew.warning for crew in seen.crews] == ["connection refused"]
    assert [execution.execution_id for execution in seen.running] == ["e-1"]


async def test_the_overview_leaves_out_crews_that_the_asker_may_not_read(world: World) -> None:
    await world.start()

    seen = await overview((), clients=world.context.clients, uow=world.uow, clock=world.clock)

    assert (seen.crews, seen.running) == ((), ())

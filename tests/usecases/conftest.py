"""A decision on its way, a world with workers, and what they log."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from crewgate.domain.effects import EffectKind
from crewgate.domain.people import User
from crewgate.domain.review import Round
from crewgate.domain.verdict import Revise
from crewgate.store.engine import Engines
from tests.builders import ANA, BEN, CAI, a_crew, a_rule, a_uow
from tests.usecases.worker_world import Logs, WorkerWorld
from tests.usecases.world import World


@pytest.fixture
def worker_world(engines: Engines) -> WorkerWorld:
    def wake(destination: str) -> None:
        world.wake(destination)

    world = WorkerWorld(engines, a_uow(engines, wake))
    return world


@pytest.fixture
def logs() -> Iterator[Logs]:
    with capture_logs() as logs:
        yield logs


@pytest.fixture
def rule_for_two(world: World) -> None:
    """Ana, Ben and Cai review, and two of them have to approve."""
    people = (User(ANA.id), User(BEN.id), User(CAI.id))
    world.crews["research"] = a_crew(reviewers=people, rules=(a_rule(approvals=2),))


@pytest.fixture
async def waiting(world: World) -> Round:
    return (await world.notify()).round


@pytest.fixture
async def decided(world: World) -> Round:
    """A decision on its way to a crew that waits for it; the card is up to date."""
    world.crew.pause()
    received = await world.notify()
    await world.decide(received.round.id, Revise("Shorter."))
    await world.settle_slack()
    assert await world.effects() == [EffectKind.RESUME]
    return await world.round(received.round.id)

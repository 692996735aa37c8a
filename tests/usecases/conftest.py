"""A decision on its way, a world with workers, and what they log."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from crewgate.domain.effects import EffectKind
from crewgate.domain.review import Round
from crewgate.domain.verdict import Revise
from crewgate.store.engine import Engines, open_engines
from tests.builders import a_uow
from tests.databases import MIGRATED, SqliteTemplate, bring_up
from tests.postgres import EmptiedPostgres
from tests.usecases.worker_world import Logs, WorkerWorld
from tests.usecases.world import World


@pytest.fixture(scope="session")
async def empty_sqlite(
    sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Callable[[], Awaitable[Engines]]]:
    """Empties a file, and returns the engines that are kept: new ones compile statements anew."""
    template = await sqlite_template(MIGRATED, bring_up)
    path = tmp_path_factory.mktemp("emptied") / "crewgate.db"
    shutil.copy(template, path)
    engines = open_engines(f"sqlite+aiosqlite:///{path}")

    async def emptied() -> Engines:
        async with engines.write.begin():
            pass  # what the test before has begun is over
        with closing(sqlite3.connect(template)) as empty, closing(sqlite3.connect(path)) as file:
            empty.backup(file)
        return engines

    yield emptied
    await engines.dispose()


@pytest.fixture
async def engines(
    backend: str,
    empty_sqlite: Callable[[], Awaitable[Engines]],
    emptied_postgres: EmptiedPostgres,
    request: pytest.FixtureRequest,
) -> Engines:
    """Engines for a migrated database with nothing in it, as the test before had them."""
    if backend == "sqlite":
        return await empty_sqlite()
    await emptied_postgres.url(request.getfixturevalue("postgres"))
    return emptied_postgres.engines


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
async def decided(world: World) -> Round:
    """A decision on its way to a crew that waits for it; the card is up to date."""
    world.crew.pause()
    received = await world.notify()
    await world.decide(received.round.id, Revise("Shorter."))
    await world.settle_slack()
    assert await world.effects() == [EffectKind.RESUME]
    return await world.round(received.round.id)

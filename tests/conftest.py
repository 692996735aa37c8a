"""The options of a test run, and its databases: SQLite, and a PostgreSQL that is removed again."""

import asyncio
import gc
import importlib
import os
import pkgutil
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web_app
from coverage import Coverage
from hypothesis import HealthCheck, is_hypothesis_test, settings

from crewgate import domain, usecases
from crewgate.demo import servers
from crewgate.demo.servers import BotProcess
from crewgate.encryption import Cipher
from crewgate.runtime import EventLoop
from crewgate.store.column_types import Secret
from crewgate.store.engine import Engines
from crewgate.store.unit_of_work import UnitOfWork
from tests.builders import a_uow
from tests.databases import (
    MIGRATED,
    CopyDatabase,
    EmptiedSqlite,
    Prepare,
    SqliteTemplate,
    bring_up,
)
from tests.forked import spawn_forked
from tests.ports import PORTS
from tests.postgres import EmptiedPostgres, Postgres, open_postgres
from tests.usecases.world import World

MEMORY = Path("/dev/shm")  # noqa: S108  # the system's own folder in memory
ROOM = 2 * 2**30
"""The memory that all tests together never need."""

TRACED = ("tests/domain/", "tests/usecases/")

COVERAGE = pytest.StashKey[Coverage | None]()

LONGEST = ("tests/host/", "tests/playground/", "tests/simulation/", "tests/journeys/")
"""Rooms whose tests start processes and take seconds each, the longest first."""

servers.FREE_PORTS = PORTS

# How long an example takes says how busy the machine is.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_configure() -> None:
    """Keep databases in memory where there is room: each commit waits for its disk."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for another process."""
    return (os.cpu_count() or 1) + 1


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the bot's own event loop."""
    return {"bot": EventLoop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests: what is left for the end is short, and shared out evenly.

    With `--dist=worksteal` the first worker begins with all of them, and the others take the last
    of what it has not begun, once they have nothing else.
    """

    def place(item: pytest.Item) -> int:
        rooms = (number for number, room in enumerate(LONGEST) if item.nodeid.startswith(room))
        return next(rooms, len(LONGEST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Leave what is imported and collected out of every later search for garbage; search seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_logfinish() -> None:
    """Let go of the applications of a test: aiohttp keeps the last 1,024 handlers of any."""
    web_app._cached_build_middleware.cache_clear()  # noqa: SLF001


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Trace only the tests of what must be covered, on SQLite: tracing takes as long as a test.

    A property covers by chance what one example shows, and is traced a hundred times for it.
    """
    is_traced = (
        item.nodeid.startswith(TRACED)
        and "postgresql" not in item.nodeid
        and not is_hypothesis_test(getattr(item, "obj", None))
    )
    coverage = item.config.stash[COVERAGE] if is_traced else None
    with _tracing(coverage):
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Trace the imports of what must be covered, and then nothing before a test that is traced.

    Traced, the collection takes nearly twice as long. pytest-cov starts two tracers in a worker,
    and a stop brings back the other.
    """
    coverage = session.config.stash[COVERAGE] = Coverage.current()
    while running := Coverage.current():
        running.stop()
    if coverage is not None:
        with _tracing(coverage):
            for package in (domain, usecases):
                for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                    importlib.import_module(module.name)


@contextmanager
def _tracing(coverage: Coverage | None) -> Iterator[None]:
    """Trace this thread alone.

    Other threads outlive their test, and coverage's tracer frees what another of them still uses,
    which ended a whole process in one of thirty runs.
    """
    if coverage is None:
        yield
        return
    coverage.start()
    threading.settrace(None)
    try:
        yield
    finally:
        coverage.stop()


@pytest.fixture(scope="session", autouse=True)
def _forked_bots() -> Iterator[None]:
    """Bots of tests that are processes import nothing at their start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotProcess, "spawn", spawn_forked)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests of a process."""
    with open_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """SQLite files to copy from, by name; each is made when it is first asked for."""
    folder = tmp_path_factory.mktemp("sqlite")

    async def made(name: str, prepare: Prepare) -> Path:
        path = folder / f"{name}.db"
        if not path.exists():
            await prepare(f"sqlite+aiosqlite:///{path}")
        return path

    return made


@pytest.fixture(autouse=True)
def _without_keys() -> Iterator[None]:
    """A test that has a bot encrypt credentials leaves no key to the next one."""
    yield
    Secret.cipher = Cipher()


@pytest.fixture
def backend() -> str:
    """The database that a test runs on; `tests.databases.both` runs it on PostgreSQL too."""
    return "sqlite"


@pytest.fixture
async def empty_database_url(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """A database without tables."""
    if backend == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'crewgate.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        async with server.database("template1") as url:
            yield url


@pytest.fixture
def copy_database(
    backend: str,
    tmp_path: Path,
    sqlite_template: SqliteTemplate,
    request: pytest.FixtureRequest,
) -> CopyDatabase:
    """A copy of a database that is prepared once for all tests of a process."""

    @asynccontextmanager
    async def copied(name: str, prepare: Prepare) -> AsyncIterator[str]:
        if backend == "sqlite":
            path = tmp_path / "crewgate.db"
            shutil.copy(await sqlite_template(name, prepare), path)
            yield f"sqlite+aiosqlite:///{path}"
        else:
            server: Postgres = request.getfixturevalue("postgres")
            async with server.database(await server.template(name, prepare)) as url:
                yield url

    return copied


@pytest.fixture(scope="session")
async def emptied_postgres() -> AsyncIterator[EmptiedPostgres]:
    """One database for all tests of a process, emptied for each."""
    kept = EmptiedPostgres()
    yield kept
    await kept.dispose()


@pytest.fixture(scope="session")
async def emptied_sqlite(
    sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EmptiedSqlite]:
    """One file for all tests of a process that ask for engines, emptied for each."""
    template = await sqlite_template(MIGRATED, bring_up)
    kept = EmptiedSqlite(template, tmp_path_factory.mktemp("emptied") / "crewgate.db")
    yield kept
    await kept.engines.dispose()


@pytest.fixture
async def database_url(
    backend: str,
    copy_database: CopyDatabase,
    emptied_postgres: EmptiedPostgres,
    emptied_sqlite: EmptiedSqlite,
    request: pytest.FixtureRequest,
) -> AsyncIterator[str]:
    """A migrated database with nothing in it; that of `engines` if a test asks for them too."""
    if backend == "postgresql":
        yield await emptied_postgres.url(request.getfixturevalue("postgres"))
    elif "engines" in request.fixturenames:
        await emptied_sqlite.empty()
        yield emptied_sqlite.url
    else:
        async with copy_database(MIGRATED, bring_up) as url:
            yield url


@pytest.fixture
def engines(
    backend: str,
    database_url: str,
    emptied_postgres: EmptiedPostgres,
    emptied_sqlite: EmptiedSqlite,
) -> Engines:
    """Engines for a migrated database with nothing in it, as the test before had them."""
    if backend == "postgresql":
        return emptied_postgres.engines
    assert database_url == emptied_sqlite.url
    return emptied_sqlite.engines


@pytest.fixture
def woken() -> list[str]:
    """The destinations that `uow` has woken."""
    return []


@pytest.fixture
def uow(engines: Engines, woken: list[str]) -> UnitOfWork:
    """Transactions on a migrated database."""
    return a_uow(engines, woken.append)


@pytest.fixture
def world(engines: Engines, uow: UnitOfWork) -> World:
    """The use cases on a migrated database, between stand-ins."""
    return World(engines, uow)

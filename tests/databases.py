"""Databases that are prepared once and copied for each test: copying costs less than migrating."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
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


async def bring_up(url: str) -> None:
    """Migrate a database."""
    engines = open_engines(url)
    try:
        await migrate(engines.write)
    finally:
        await engines.dispose()

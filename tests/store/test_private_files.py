"""Outputs, feedback and credentials are stored where only the bot's user reads them."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from crewgate.store.engine import open_engines


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _modes(folder: Path) -> dict[str, int]:
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


@pytest.mark.parametrize("existed", [False, True])
async def test_a_sqlite_file_is_for_the_bots_user_alone(tmp_path: Path, *, existed: bool) -> None:
    """Under the usual umask; a file of an earlier version goes on working."""
    path = tmp_path / "crewgate.db"
    umask = os.umask(0o022)
    try:
        if existed:
            with closing(sqlite3.connect(path)) as before:
                before.execute("PRAGMA journal_mode=WAL")
                before.execute("CREATE TABLE kept (number)")
            (tmp_path / "crewgate.db.lock").touch()
            assert set(_modes(tmp_path).values()) == {0o644}
        engines = open_engines(_url(path))
        async with engines.write.begin() as connection:
            await connection.execute(sa.text("CREATE TABLE made (number)"))
        modes = _modes(tmp_path)
        async with engines.read.connect() as connection:
            tables = set(await connection.scalars(sa.text("SELECT name FROM sqlite_schema")))
        await engines.dispose()
    finally:
        os.umask(umask)

    assert modes == {f"crewgate.db{ending}": 0o600 for ending in ("", "-shm", "-wal", ".lock")}
    assert tables == ({"made", "kept"} if existed else {"made"})

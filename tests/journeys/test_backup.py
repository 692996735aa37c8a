"""The database is backed up while the bot runs, as `docs/operations.md` says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.journeys.conftest import World


async def test_a_backup_of_a_running_bot_holds_what_was_stored(
    world: World, database: Path, tmp_path: Path
) -> None:
    """`.backup` of the sqlite3 shell is this call; a copy of the file alone would lack the WAL."""
    await world.pause()
    await world.card("A draft.")

    with (
        closing(sqlite3.connect(database)) as running,
        closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
    ):
        running.backup(copy)
        assert copy.execute("SELECT state FROM rounds").fetchall() == [("WAITING",)]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    assert await world.pause("other") == 202

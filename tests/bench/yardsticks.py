"""What the bot is held against: the bare things that it is made of."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path


def raw_commits(folder: Path, seconds: float) -> float:
    """Durable SQLite commits a second on the same disk: one row each, as durable as the bot's."""
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)")
        done, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 300,))
            database.execute("COMMIT")
            done += 1
        return done / (time.monotonic() - began)

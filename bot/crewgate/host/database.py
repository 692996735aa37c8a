"""The SQLite connection: one, shared by the event loop and the executions' threads."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

import structlog

from crewgate.encryption import Cipher, Unreadable, key_of
from crewgate.host.records import HostNotStarted, HostStops, NotKept

_TABLES: Final = """
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    kickoff TEXT NOT NULL,       -- JSON: inputs, meta, human_input
    task_url TEXT, step_url TEXT, crew_url TEXT,  -- NULL from a pause to its answer
    state TEXT NOT NULL,
    tasks TEXT NOT NULL DEFAULT '[]',
    result TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    ended_at REAL,
    lesson_until REAL            -- the end of a kept lesson: NULL for none, 0 once it was retired
);
CREATE INDEX executions_open ON executions (created_at) WHERE ended_at IS NULL;
CREATE TABLE finished (
    execution_id TEXT NOT NULL REFERENCES executions (id),
    position INTEGER NOT NULL,
    output TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (execution_id, position)
);
CREATE TABLE rounds (
    execution_id TEXT NOT NULL REFERENCES executions (id),
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    output TEXT NOT NULL,
    asker TEXT,                  -- within a task: that task, empty for none
    role TEXT NOT NULL,          -- of an agent without a task of its own, such as a coworker
    notification TEXT NOT NULL,  -- of what waits within a task
    approve INTEGER,             -- NULL while nobody has decided
    feedback TEXT,
    edited TEXT,                 -- NULL: the decision is about the output
    decision_key TEXT,           -- as its sender gave it
    spent INTEGER NOT NULL DEFAULT 0,
    digest TEXT,                 -- of the call that is decided on
    valid_until REAL,            -- the end of an approval of a call
    outcome TEXT,                -- JSON: what became of a call
    PRIMARY KEY (execution_id, task_id, number)
);
CREATE TABLE questions (
    id TEXT PRIMARY KEY,
    execution_id TEXT NOT NULL REFERENCES executions (id),
    method TEXT NOT NULL,
    emit TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    pending TEXT NOT NULL,
    feedback TEXT,               -- NULL while nobody has answered
    source TEXT NOT NULL DEFAULT '',
    asked_at REAL NOT NULL,
    place TEXT, expires_at REAL, -- of `Flow.ask()` alone
    answered_at REAL,
    carried_out INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX questions_of ON questions (execution_id, asked_at);
-- What comes of sending is kept by a webhook's id: none is given again, not even where its webhook
-- was taken back while it was being sent.
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL
);
CREATE INDEX webhooks_due ON webhooks (due_at);
CREATE INDEX webhooks_about ON webhooks (execution_id, about);
-- A text that the key encrypted with which all credentials are; no row: they are plain.
CREATE TABLE secret_key (canary TEXT NOT NULL);
"""

SEALED: Final = {
    "executions": ("kickoff", "task_url", "step_url", "crew_url"),
    "webhooks": ("url", "headers", "body"),
}
"""The columns of credentials, by table: `sealed` encrypts their values."""

#: The `PRAGMA user_version` of a file that has the tables above.
VERSION: Final = 13
#: By version, the statements that bring a file from this version to the next one.
_STEPS: Final = {
    10: (
        "ALTER TABLE rounds ADD COLUMN digest TEXT",
        "ALTER TABLE rounds ADD COLUMN valid_until REAL",
        "ALTER TABLE rounds ADD COLUMN outcome TEXT",
        # Its host told people of each end, and stored none.
        """UPDATE rounds SET outcome = '{"state": "failed", "words": "", "in_doubt": true}'
        WHERE spent AND approve""",
    ),
    11: (
        "ALTER TABLE executions ADD COLUMN lesson_until REAL",
        # Older lessons have no end: each gets 90 days, as the bot's settings give by default.
        "UPDATE executions SET lesson_until = ended_at + 90 * 86400 WHERE id GLOB 'lesson-*'",
    ),
    12: (
        # It held a digest of the task's words, which may be others after a restart.
        "ALTER TABLE rounds RENAME COLUMN place TO role",
        """UPDATE rounds SET role = CASE asker WHEN '' THEN
        coalesce(json_extract(notification, '$.agent'), '') ELSE '' END""",
    ),
}
_OLDER: Final = (
    "an earlier version of crewgate, and cannot be brought over: let that version end what is"
    " paused, then start with another --database"
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: The names of the encrypted columns. No other column has such a name, so that `_row` can tell by
#: the name whether to decrypt a value.
_COLUMNS: Final = frozenset({"canary", *(name for names in SEALED.values() for name in names)})
#: The most decrypted addresses that are cached: each search for due webhooks compares the decrypted
#: addresses of all that wait.
_OPENED: Final = 4_096


class Database:
    """Transactions on one file, which this process has for itself."""

    def __init__(self, path: Path, keys: Sequence[str] = ()) -> None:
        """Open the file. Raises HostNotStarted if it cannot be used.

        Credentials are encrypted with the first of these keys, in SQL by `sealed`.
        """
        self._cipher = Cipher(keys)
        self._lock = threading.RLock()
        self._closed = False
        try:
            make_private(path)
            self._connection = sqlite3.connect(
                path, timeout=0.2, isolation_level=None, check_same_thread=False
            )
            self._open()
        except sqlite3.OperationalError as error:
            why = "another host is using it" if "locked" in str(error) else str(error)
            raise HostNotStarted(f"{path} cannot be used: {why}") from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise HostNotStarted(f"{path} cannot be used: {error}") from error

    def _open(self) -> None:
        self._connection.row_factory = self._row if self._cipher.names else sqlite3.Row
        self._connection.create_function("sealed", 1, self._sealed)
        self._connection.create_function("opened", 1, lru_cache(_OPENED)(self._opened))
        self._connection.create_function("resealed", 1, self._resealed)
        if self._cipher.names:
            # SQLite overwrites what it deletes, so that no plain credential stays in the file.
            self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("BEGIN EXCLUSIVE")
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, VERSION, *_STEPS}:
            self._connection.close()
            which = "a later version of crewgate" if version > VERSION else _OLDER
            raise sqlite3.DatabaseError(f"it was written by {which}")
        # One statement at a time: `executescript` would commit the open transaction first.
        for statement in filter(str.strip, [] if version else _TABLES.split(";\n")):
            self._connection.execute(statement)
        for step in range(version or VERSION, VERSION):
            for statement in _STEPS[step]:
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {VERSION}")
        self._use_keys()
        self._connection.execute("COMMIT")
        if self._cipher.names:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _use_keys(self) -> None:
        """Encrypt all credentials anew that lack the newest key. Raises HostNotStarted."""
        query = "SELECT substr(canary, 11, 8) AS key, canary FROM secret_key"
        found = self._connection.execute(query).fetchone()
        if found is not None and key_of(found["canary"]) is not None:
            self._connection.close()
            raise HostNotStarted(
                "SECRET_KEYS: credentials in the file may be encrypted with the key"
                f" {found['key']}, and none here opens them: put it back; if it is lost, start with"
                " another --database"
            )
        if self._cipher.names[:1] in ((), (found and found["key"],)):
            return
        for table, columns in SEALED.items():
            anew = ", ".join(f"{one} = resealed({one})" for one in columns)
            self._connection.execute(f"UPDATE {table} SET {anew}")  # noqa: S608  # names of ours
        self._connection.execute("DELETE FROM secret_key")
        self._connection.execute("INSERT INTO secret_key VALUES (sealed('crewgate'))")

    def _row(self, cursor: sqlite3.Cursor, values: tuple[object, ...]) -> sqlite3.Row:
        # The column's name says whether to decrypt a value: a caller's text may look encrypted.
        opened = (
            self._opened(value) if column[0] in _COLUMNS else value
            for column, value in zip(cursor.description, values, strict=True)
        )
        return sqlite3.Row(cursor, tuple(opened))

    def _sealed(self, text: str | None) -> str | None:
        return None if text is None else self._cipher.encrypt(text)

    def _opened(self, value: T) -> T | str:
        """Return a column's decrypted credential; a value that no key opens stays as stored."""
        try:
            return value if key_of(value) is None else self._cipher.decrypt(str(value))
        except Unreadable:
            return value

    def _resealed(self, value: str | None) -> str | None:
        opened = self._opened(value)
        return opened if key_of(opened) else self._sealed(opened)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit the changes of the `with` body durably, all or none. Raises as `reading`."""
        with self.reading():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # On a full disk SQLite may have rolled back by itself: then ROLLBACK would fail.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one consistent state in the `with` body; other threads wait meanwhile.

        Raises HostStops once the file is closed, and NotKept if it cannot be read or written.
        """
        with self._lock:
            if self._closed:
                raise HostStops
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise NotKept(str(error)) from error

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self.reading() as sql:
            return sql.execute(query, values).fetchall()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._connection.close()


def make_private(path: Path) -> None:
    """Create a file for this user alone, or restrict an existing file and its WAL to this user.

    The file holds outputs, and credentials of webhooks. Raises OSError.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if one.exists() and one.stat().st_mode & 0o077:
            one.chmod(0o600)


def readable(table: str, rows: Iterable[sqlite3.Row]) -> Iterator[sqlite3.Row]:
    """Yield the rows of a table that have no damaged credential."""
    for row in rows:
        if key := next(filter(None, (key_of(row[one]) for one in SEALED[table])), None):
            log.error("credential_unreadable", key=key, table=table, id=row["id"])
        else:
            yield row

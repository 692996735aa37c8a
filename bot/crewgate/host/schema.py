"""The host's tables: one SQLite file, of this process alone."""

from typing import Final

_FIRST: Final = """
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    kickoff TEXT NOT NULL,       -- JSON: inputs, meta, human_input, stream, events
    task_url TEXT, step_url TEXT, crew_url TEXT,  -- NULL from a pause to its answer
    state TEXT NOT NULL,
    tasks TEXT NOT NULL DEFAULT '[]',
    result TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    ended_at REAL
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
    approve INTEGER,             -- NULL while nobody has decided
    feedback TEXT,
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
    answered_at REAL,
    carried_out INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX questions_of ON questions (execution_id, asked_at);
-- What comes of sending is kept by a webhook's id, and receivers know a streamed event by it: none
-- is given again, not even where its webhook was taken back while it was being sent.
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
"""

# Of `Flow.ask()`; the others have neither.
_ASKS: Final = """
ALTER TABLE questions ADD COLUMN place TEXT;
ALTER TABLE questions ADD COLUMN expires_at REAL;
"""

_EDITED: Final = "ALTER TABLE rounds ADD COLUMN edited TEXT;  -- NULL: the decision is about output"

# A text that the key encrypted with which all credentials are; no row: they are plain.
_CANARY: Final = "CREATE TABLE secret_key (canary TEXT NOT NULL)"

# Of questions in the middle of a task: the task whose agent's hook asks, empty for none.
_HOOKS: Final = """
ALTER TABLE rounds ADD COLUMN asker TEXT;
ALTER TABLE rounds ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;
"""

# The key of the decision, as its sender gave it.
_KEYS: Final = "ALTER TABLE rounds ADD COLUMN decision_key TEXT"

SEALED: Final = {
    "executions": ("kickoff", "task_url", "step_url", "crew_url"),
    "webhooks": ("url", "headers", "body"),
}
"""The columns that hold credentials, by table: written with `sealed`, and read as they were."""

STEPS: Final = {2: _FIRST, 3: _ASKS, 4: _EDITED, 5: _CANARY, 6: _HOOKS, 7: _KEYS}
"""From nothing to the present tables; `PRAGMA user_version` is the last that a file has behind it.

The first release made files of version 2.
"""

"""Webhooks that are to be sent, in the host's database."""

import json
from collections.abc import Iterable
from sqlite3 import Connection

from crewgate.crew_api.wire import sendable
from crewgate.host.database import Database, readable
from crewgate.host.mappers import webhook_from_row
from crewgate.host.records import DueWebhook, Webhook


def put(sql: Connection, execution_id: str, webhooks: Iterable[Webhook], *, at: float) -> None:
    """Store webhooks in the transaction that they announce."""
    sql.executemany(
        "INSERT INTO webhooks (execution_id, kind, about, url, headers, body, due_at)"
        " VALUES (?, ?, ?, sealed(?), sealed(?), sealed(?), ?)",
        [
            (
                execution_id,
                one.kind,
                one.about,
                one.url,
                json.dumps(dict(one.headers)),
                sendable(json.dumps(one.body, ensure_ascii=False)),
                at,
            )
            for one in webhooks
        ],
    )


def forget_about(sql: Connection, execution_id: str, about: str) -> None:
    """Drop the webhooks that announce a pause that is over."""
    sql.execute("DELETE FROM webhooks WHERE execution_id = ? AND about = ?", (execution_id, about))


def forget_announcements(sql: Connection, execution_id: str) -> None:
    """Drop the webhooks that announce any pause of an execution."""
    sql.execute("DELETE FROM webhooks WHERE execution_id = ? AND about != ''", (execution_id,))


class Outbox:
    """Reads webhooks that are due, and stores the results of sending them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, execution_id: str, webhooks: Iterable[Webhook], *, at: float) -> None:
        """Store webhooks that announce no change of their own."""
        with self._database.transaction() as sql:
            put(sql, execution_id, webhooks, at=at)

    def due(
        self,
        at: float,
        *,
        announcing: bool,
        limit: int,
        to_one_url: int,
        except_for: Iterable[int],
    ) -> list[DueWebhook]:
        """Return the webhooks that are due, the oldest first, without those being sent.

        Either those that announce a pause or all others, and at most `to_one_url` for each URL.
        The end of a crew waits for its tasks' webhooks: receivers expect none after it.
        """
        held = json.dumps(list(except_for))
        rows = self._database.rows(
            "SELECT * FROM webhooks WHERE id IN"
            " (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY"
            " CASE WHEN url LIKE 'encrypted:%' THEN opened(url) ELSE url END ORDER BY id)"
            " AS place FROM webhooks AS one WHERE due_at <= ? AND (about != '') = ?"
            " AND NOT (kind = 'crew' AND EXISTS (SELECT 1 FROM webhooks AS before"
            " WHERE before.execution_id = one.execution_id AND before.kind = 'task')))"
            " WHERE place <= ?)"
            " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
            *(at, announcing, to_one_url, held, limit),
        )
        return [webhook_from_row(row) for row in readable("webhooks", rows)]

    def next_due(self, *, after: float) -> float | None:
        [[at]] = self._database.rows("SELECT min(due_at) FROM webhooks WHERE due_at > ?", after)
        return None if at is None else float(at)

    def remove(self, webhook_id: int) -> None:
        """Delete a webhook that was delivered or given up."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,))

    def postpone(self, webhook_id: int, due_at: float) -> None:
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE webhooks SET tries = tries + 1, due_at = ? WHERE id = ?",
                (due_at, webhook_id),
            )

"""Mentions by the hour; a card for each waiting round, where one card counted others."""

import json
from contextlib import suppress

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"

_WITHOUT_CARD = """
    SELECT rounds.id, rounds.crew, reviews.execution_id, rounds.opened_at, rules.rule
    FROM rounds JOIN reviews ON reviews.id = rounds.review_id
    LEFT JOIN rules ON rules.id = rounds.rule_id
    WHERE rounds.state = 'WAITING' AND rounds.card_ts IS NULL AND NOT EXISTS (
        SELECT 1 FROM outbox WHERE subject = rounds.id AND kind IN ('post', 'repost')
    )
    ORDER BY rounds.opened_at, rounds.id
"""
_POST = """
    INSERT INTO outbox (destination, priority, ordering_key, kind, subject, crew, execution_id,
                        created_at, due_at, tries, channel)
    VALUES (:destination, 0, :ordering_key, 'post', :id, :crew, :execution_id, :at, :at, 0,
            :channel)
"""


def upgrade() -> None:
    """Enqueue the missing cards; a rule's time begins again once Slack takes them."""
    bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "mentions",
        sa.Column("crew", bytewise, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("task_key", "people")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.BigInteger()),
        sa.PrimaryKeyConstraint("crew", "task_key", "people", name="pk_mentions"),
    )
    op.create_index("ix_mentions_at", "mentions", ["at"])
    op.execute("DELETE FROM outbox WHERE kind = 'call_next'")
    _enqueue_cards(op.get_bind())
    op.drop_index("ix_rounds_gathered_by", "rounds")
    op.drop_index("ix_rounds_flood_cards", "rounds")
    op.drop_column("rounds", "gathered_by")


def _enqueue_cards(connection: sa.Connection) -> None:
    for row in connection.execute(sa.text(_WITHOUT_CARD)).all():
        channel = None
        with suppress(ValueError, AttributeError):  # a damaged row must not stop the start
            channel = json.loads(row.rule or "{}").get("channel")
        elsewhere = "" if channel is None else f" {channel}"
        job = {
            "destination": f"posts:{row.crew}",
            "ordering_key": f"slack {row.crew} {row.execution_id}{elsewhere}",
            "id": row.id,
            "crew": row.crew,
            "execution_id": row.execution_id,
            "at": row.opened_at,
            "channel": channel,
        }
        connection.execute(sa.text(_POST), job)
        begin = sa.text("UPDATE rounds SET announced_at = NULL WHERE id = :id")
        connection.execute(begin, {"id": row.id})

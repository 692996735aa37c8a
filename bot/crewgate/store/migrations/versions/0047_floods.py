"""Floods are of rounds that wait, and have cards in turn."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

_CALL_NEXT = """
    INSERT INTO outbox (destination, priority, ordering_key, kind, subject, crew, execution_id,
                        created_at, due_at, tries)
    SELECT 'timer', 0, 'call_next ' || gathered_by, 'call_next', gathered_by, crew, '',
           max(opened_at), max(opened_at), 0
    FROM rounds WHERE state = 'WAITING' AND gathered_by IS NOT NULL AND card_ts IS NULL
    GROUP BY gathered_by, crew
"""


def upgrade() -> None:
    """Index waiting rounds and the cards of floods; look after rounds that no card counts now."""
    op.drop_index("ix_rounds_crew_task_key_opened_at", "rounds")
    op.drop_index("ix_rounds_gathered_by", "rounds")
    for name, where, columns in (
        ("ix_rounds_waiting", "state = 'WAITING'", ["task_key", "crew", "opened_at"]),
        (
            "ix_rounds_gathered_by",
            "gathered_by IS NOT NULL",
            ["gathered_by", "state", "card_ts", "opened_at", "id"],
        ),
        (
            "ix_rounds_flood_cards",
            "gathered_by IS NOT NULL AND card_ts IS NOT NULL",
            ["gathered_by", "announced_at"],
        ),
    ):
        only = sa.text(where)
        op.create_index(name, "rounds", columns, sqlite_where=only, postgresql_where=only)
    op.execute(_CALL_NEXT)

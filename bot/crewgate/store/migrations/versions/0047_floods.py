"""Indexes for floods, whose waiting rounds get cards in turn."""

from alembic import op

from crewgate.store.migrations import index_where

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
    """Index waiting rounds and the cards of floods; enqueue the next card of each flood."""
    op.drop_index("ix_rounds_crew_task_key_opened_at", "rounds")
    op.drop_index("ix_rounds_gathered_by", "rounds")
    by_task = ("task_key", "crew", "opened_at")
    index_where("state = 'WAITING'", "ix_rounds_waiting", "rounds", by_task)
    of_flood = ("gathered_by", "state", "card_ts", "opened_at", "id")
    index_where("gathered_by IS NOT NULL", "ix_rounds_gathered_by", "rounds", of_flood)
    has_card = "gathered_by IS NOT NULL AND card_ts IS NOT NULL"
    index_where(has_card, "ix_rounds_flood_cards", "rounds", ("gathered_by", "announced_at"))
    op.execute(_CALL_NEXT)

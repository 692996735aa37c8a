"""Floods, gathered by one card, and the task that a crew runs next."""

import sqlalchemy as sa
from alembic import op

from crewgate.store.migrations import index_where

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    """Add columns, null in existing rows, with two indexes."""
    for name in ("task_key", "gathered_by", "next_task"):
        op.add_column("rounds", sa.Column(name, sa.Text()))
    by_task = ("crew", "task_key", "opened_at")
    op.create_index("ix_rounds_crew_task_key_opened_at", "rounds", by_task)
    columns = ("gathered_by", "state")
    index_where("gathered_by IS NOT NULL", "ix_rounds_gathered_by", "rounds", columns)

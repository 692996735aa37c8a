"""Edits in the index of rounds that carried lessons."""

from alembic import op

from crewgate.store.migrations import index_where

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Add `edited_at` to the index: outputs approved at once are counted without edited ones."""
    columns = ["crew", "rule_id", "decided_at", "lessons", "decided_via", "is_approve", "number"]
    op.drop_index("ix_rounds_lessons", "rounds")
    index_where("lessons IS NOT NULL", "ix_rounds_lessons", "rounds", [*columns, "edited_at"])

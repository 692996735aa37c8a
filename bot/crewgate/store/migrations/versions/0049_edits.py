"""Edits in the index of rounds that carried lessons."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Make the index anew: an edited output was not approved at once."""
    taught = sa.text("lessons IS NOT NULL")
    columns = ["crew", "rule_id", "decided_at", "lessons", "decided_via", "is_approve", "number"]
    op.drop_index("ix_rounds_lessons", "rounds")
    op.create_index(
        "ix_rounds_lessons",
        "rounds",
        [*columns, "edited_at"],
        sqlite_where=taught,
        postgresql_where=taught,
    )

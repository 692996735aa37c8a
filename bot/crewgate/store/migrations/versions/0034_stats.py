"""What the stats count: how long people and crews took, and how much there was to read."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was decided before counts by the clock."""
    op.add_column("rounds", sa.Column("characters", sa.Integer))
    op.add_column("rounds", sa.Column("waited_seconds", sa.BigInteger))
    op.add_column("rounds", sa.Column("made_in_seconds", sa.BigInteger))
    op.add_column("rounds", sa.Column("is_on_target", sa.Boolean))
    op.drop_index("ix_rounds_crew_rule_id_state_decided_at", "rounds")
    is_decided = sa.text("decided_at IS NOT NULL")
    names = (
        *("crew", "rule_id", "state", "decided_at", "decided_by", "decided_via"),
        *("number", "is_approve", "opened_at", "characters", "waited_seconds", "made_in_seconds"),
        "is_on_target",
    )
    op.create_index(
        "ix_rounds_decided",
        "rounds",
        [*names],
        sqlite_where=is_decided,
        postgresql_where=is_decided,
    )

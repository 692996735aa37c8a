"""Event keys are derived from the crew's name too: what was started before may use the old ones."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, and put every execution into it that has not ended."""
    op.create_table(
        "old_event_keys",
        sa.Column("crew", sa.Text().with_variant(sa.Text(collation="C"), "postgresql")),
        sa.Column("execution_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql")),
        sa.PrimaryKeyConstraint("crew", "execution_id", name="pk_old_event_keys"),
    )
    op.execute(
        "INSERT INTO old_event_keys (crew, execution_id)"
        " SELECT crew, execution_id FROM executions WHERE ended_at IS NULL"
    )

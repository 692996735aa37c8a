"""The times when texts were removed, and indexes of what has texts."""

import sqlalchemy as sa
from alembic import op

from crewgate.store.tables import dead_letters, executions

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the indexes; that of what is set aside has executions, too."""
    for name in ("executions", "rounds", "dead_letters"):
        op.add_column(name, sa.Column("removed_at", sa.BigInteger))
    for index in (*executions.indexes, *dead_letters.indexes):
        if str(index.name).endswith("_kept"):
            index.create(op.get_bind())
    op.drop_index("ix_outbox_set_aside_at", "outbox")
    op.create_index(
        "ix_outbox_set_aside_at_execution_id", "outbox", ["set_aside_at", "execution_id"]
    )

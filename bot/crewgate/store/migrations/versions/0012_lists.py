"""The crew beside the state of a round and of an execution, so that lists read what they show."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
CREW = """
    UPDATE rounds SET crew = (SELECT reviews.crew FROM reviews WHERE reviews.id = rounds.review_id)
"""
NEW = (
    ("rounds", ["crew", "state", "opened_at"]),
    ("rounds", ["crew", "state", "decided_at"]),
    ("executions", ["crew", "tracked", "state", "began_at"]),
)
OLD = (
    ("rounds", "ix_rounds_state_opened_at"),
    ("rounds", "ix_rounds_decided_at"),
    ("executions", "ix_executions_tracked_state_began_at"),
)


def upgrade() -> None:
    """Copy the crew of each review to its rounds, and replace the indexes."""
    for table, name in OLD:
        op.drop_index(op.f(name), table)
    op.add_column("rounds", sa.Column("crew", BYTEWISE, nullable=True))
    op.execute(CREW)
    for table, columns in NEW:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)

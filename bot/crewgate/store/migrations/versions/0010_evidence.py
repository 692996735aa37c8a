"""What the crew says of an execution, and whether a sign of it having gone on is looked out for."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STUCK_IN_DOUBT = """
    UPDATE executions SET stuck_in_doubt = true
    WHERE EXISTS (
        SELECT 1 FROM reviews JOIN rounds ON rounds.review_id = reviews.id
        WHERE reviews.crew = executions.crew AND reviews.execution_id = executions.execution_id
        AND rounds.state = 'STUCK' AND rounds.in_doubt_since IS NOT NULL
    )
"""


def upgrade() -> None:
    """Add the columns; what is stuck in doubt already is settled by the next sign too."""
    op.add_column("executions", sa.Column("asked_at", sa.BigInteger(), nullable=True))
    op.add_column("executions", sa.Column("not_found_since", sa.BigInteger(), nullable=True))
    op.add_column("executions", sa.Column("not_found_count", sa.Integer(), nullable=True))
    op.add_column("executions", sa.Column("stuck_in_doubt", sa.Boolean(), nullable=True))
    op.execute(STUCK_IN_DOUBT)

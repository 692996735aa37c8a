"""How often a person had a decision sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing tells how often it was before."""
    op.add_column("rounds", sa.Column("retries", sa.Integer(), nullable=True))

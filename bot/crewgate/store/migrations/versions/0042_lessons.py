"""The text before CrewAI rewrote it by lessons, beside the output."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, null in what there is."""
    op.add_column("outputs", sa.Column("rewritten", sa.JSON()))

"""The decisions that their asker fetches, also of a crew that can be called."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, null in what there is."""
    op.add_column("rounds", sa.Column("is_fetched", sa.Boolean()))

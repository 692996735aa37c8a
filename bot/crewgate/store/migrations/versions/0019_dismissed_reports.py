"""Where a webhook that could not be understood was reported, and who dismissed it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TEXTS = ("report_channel", "report_ts", "dismissed_by", "dismissed_by_name", "dismissed_why")


def upgrade() -> None:
    """Add the columns; nobody knows where the older reports are."""
    for name in TEXTS:
        op.add_column("dead_letters", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("dead_letters", sa.Column("dismissed_at", sa.BigInteger(), nullable=True))

"""Kickoffs whose answer is not known, and who started them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; of earlier ones nothing is known."""
    op.create_table(
        "unclear_kickoffs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crew", sa.Text(), nullable=False),
        sa.Column("starter", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unclear_kickoffs")),
    )
    op.create_index(
        op.f("ix_unclear_kickoffs_crew_sent_at"), "unclear_kickoffs", ["crew", "sent_at"]
    )

"""Where in Slack the bot is installed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "installations",
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=True),
        sa.Column("enterprise_id", sa.Text(), nullable=True),
        sa.Column("whole_enterprise", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest", name="pk_installations"),
    )

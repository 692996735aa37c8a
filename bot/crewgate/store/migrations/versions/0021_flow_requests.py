"""What flows ask, where they are answered, and answers that are one of their own labels."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns and a table; no round of before came from a flow."""
    op.add_column("rounds", sa.Column("question", sa.JSON(), nullable=True))
    op.add_column("rounds", sa.Column("is_label", sa.Boolean(), nullable=True))
    op.create_table(
        "flow_requests",
        sa.Column("crew", BYTEWISE, nullable=False),
        sa.Column("execution_id", BYTEWISE, nullable=False),
        sa.Column("request_id", BYTEWISE, nullable=False),
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name="fk_flow_requests_rounds"),
        sa.PrimaryKeyConstraint("crew", "execution_id", "request_id", name="pk_flow_requests"),
    )
    op.create_index("ix_flow_requests_round_id", "flow_requests", ["round_id"])

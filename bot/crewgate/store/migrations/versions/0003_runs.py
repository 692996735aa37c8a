"""Executions on their way, finished tasks, and webhooks that are handed on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "runs",
        sa.Column("crew", BYTEWISE, nullable=False),
        sa.Column("execution_id", BYTEWISE, nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("starter", sa.Text(), nullable=True),
        sa.Column("starter_name", sa.Text(), nullable=True),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("finished", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("current", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("line_channel", sa.Text(), nullable=True),
        sa.Column("line_ts", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("crew", "execution_id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_state_began_at"), "runs", ["state", "began_at"], unique=False)
    op.create_table(
        "news",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crew", BYTEWISE, nullable=False),
        sa.Column("execution_id", BYTEWISE, nullable=False),
        sa.Column("came_at", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
    )
    op.create_index(op.f("ix_news_crew_execution_id"), "news", ["crew", "execution_id"])
    op.create_table(
        "parcels",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crew", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels")),
    )

"""Notes, claims, and the indexes that the thread and Home look things up by."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what reviewing well needs."""
    op.create_table(
        "notes",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("edited_ts", sa.Text(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_notes_rounds")),
        sa.PrimaryKeyConstraint("channel", "ts", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_round_id_at"), "notes", ["round_id", "at"], unique=False)
    op.create_table(
        "claims",
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("claimed_by_name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_claims_rounds")),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_claims")),
    )
    op.create_index(op.f("ix_executions_channel_thread_ts"), "executions", ["channel", "thread_ts"])
    op.create_index(op.f("ix_rounds_decided_at"), "rounds", ["decided_at"])

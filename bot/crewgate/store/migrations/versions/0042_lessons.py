"""Lessons, their uses, and the text before CrewAI rewrote it by its own lessons."""

import sqlalchemy as sa
from alembic import op

from crewgate.store.migrations import index_where

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Add a table, and columns that are null in existing rows."""
    bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "lessons",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "text", "digest", "state")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("round_id", "wish_id")),
        sa.Column("crew", bytewise, nullable=False),
        sa.Column("author", sa.JSON(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger()) for name in ("kept_at", "expires_at", "ended_at")),
        *(sa.Column(name, sa.JSON()) for name in ("votes", "ended_by")),
        *(sa.Column(name, sa.Text()) for name in ("replaces", "card_channel", "card_ts")),
        sa.Column("card_thread_ts", sa.Text()),
        sa.Column("uses", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_lessons"),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name="fk_lessons_rounds"),
    )
    by = ("crew", "state", "proposed_at")
    op.create_index("ix_lessons_crew_state_proposed_at", "lessons", by)
    own = ("crew", "digest")
    index_where("ended_at IS NULL", "uq_lessons_digest", "lessons", own, unique=True)
    for table, kind in (("executions", sa.JSON()), ("rounds", sa.Integer())):
        op.add_column(table, sa.Column("lessons", kind))
    by_side = ("crew", "rule_id", "decided_at", "lessons", "decided_via", "is_approve", "number")
    index_where("lessons IS NOT NULL", "ix_rounds_lessons", "rounds", by_side)
    op.add_column("outputs", sa.Column("rewritten", sa.JSON()))

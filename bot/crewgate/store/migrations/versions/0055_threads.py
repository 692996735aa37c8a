"""Indexes of threads, with only the executions and rounds that have a thread."""

from alembic import op

from crewgate.store.migrations import index_where

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    """Replace both indexes by partial ones; no row changes."""
    op.drop_index("ix_executions_channel_thread_ts", "executions")
    has_thread = ("executions", ("channel", "thread_ts"))
    index_where("thread_ts IS NOT NULL", "ix_executions_thread", *has_thread)
    op.drop_index("ix_rounds_card_channel_card_thread_ts", "rounds")
    in_thread = ("rounds", ("card_channel", "card_thread_ts"))
    index_where("card_thread_ts IS NOT NULL", "ix_rounds_thread", *in_thread)

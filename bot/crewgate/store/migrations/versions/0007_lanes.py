"""Only posts order posts; polling has a destination of its own; jobs can be set aside."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: Kinds that had their execution's ordering key: from now on their subject's, or one of their own.
BY_SUBJECT = ("attach", "refresh", "acknowledge_note")
BY_EXECUTION = ("result_file",)


def upgrade() -> None:
    """Keep every row; what is leased stays leased."""
    op.add_column("outbox", sa.Column("failing_since", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("set_aside_at", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("set_aside_why", sa.Text(), nullable=True))
    op.create_index(op.f("ix_outbox_subject_kind"), "outbox", ["subject", "kind"])
    op.create_index(op.f("ix_outbox_set_aside_at"), "outbox", ["set_aside_at"])
    # Constants of this file.
    for kind in BY_SUBJECT:
        op.execute(
            f"UPDATE outbox SET ordering_key = '{kind} ' || subject WHERE kind = '{kind}'"  # noqa: S608
        )
    for kind in BY_EXECUTION:
        op.execute(
            f"UPDATE outbox SET ordering_key = '{kind} ' || crew || ' ' || execution_id"  # noqa: S608
            f" WHERE kind = '{kind}'"
        )
    op.execute("UPDATE outbox SET destination = 'status:' || crew WHERE kind = 'poll_status'")

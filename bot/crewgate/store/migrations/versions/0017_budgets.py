"""Posts and updates have destinations, priorities and budgets of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

#: Kinds that post a message, what people wait for first.
CARDS = ("post", "repost", "progress")
NOTICES = (
    "attach_failed",
    "forward_failed",
    "notify_stuck",
    "post_result",
    "refresh_failed",
    "report",
    "result_file_failed",
    "task_done",
)


def upgrade() -> None:
    """Keep every row; what is leased stays leased."""
    op.create_table(
        "budgets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paid_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_budgets"),
    )
    op.add_column("outbox", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    outbox = sa.table(
        "outbox",
        *map(sa.column, ("destination", "crew", "kind", "priority")),
    )
    posts = sa.update(outbox).values(destination="posts:" + outbox.c.crew)
    op.execute(posts.where(outbox.c.kind.in_(CARDS)))
    op.execute(posts.where(outbox.c.kind.in_(NOTICES)).values(priority=1))
    updates = sa.update(outbox).values(destination="updates")
    op.execute(updates.where(outbox.c.kind == "refresh"))
    op.execute(updates.where(outbox.c.kind == "refresh_progress").values(priority=1))
    op.drop_index(op.f("ix_outbox_destination_due_at"), "outbox")
    op.create_index(
        op.f("ix_outbox_destination_priority_due_at_id"),
        "outbox",
        ["destination", "priority", "due_at", "id"],
    )

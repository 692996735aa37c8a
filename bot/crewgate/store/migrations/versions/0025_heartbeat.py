"""Until when the bot was alive and Slack there: what rules let happen counts no other time."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; its row comes with the first start.

    What waits for its time was stored as created when it is due: it was scheduled before that.
    """
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
    )
    op.execute("UPDATE outbox SET created_at = 0 WHERE kind IN ('remind', 'escalate', 'time_out')")

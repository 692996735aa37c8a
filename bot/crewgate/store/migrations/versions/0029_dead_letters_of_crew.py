"""An index of dead letters by crew and time: one message reports those that come together."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_dead_letters_crew_received_at_report_ts_dismissed_at",
        "dead_letters",
        ["crew", "received_at", "report_ts", "dismissed_at"],
    )

"""No keys of events any more that were derived from the webhook secret alone."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the list of the executions that took them: all of before 0.1.0."""
    op.drop_table("old_event_keys")

"""What reviews, timers and the audit trail need to be told apart."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change each table for its own subject, in a function below."""
    _drop_event_stream()
    _several_starters()


def _drop_event_stream() -> None:
    op.drop_column("executions", "ended_by_event")


def _several_starters() -> None:
    op.add_column("executions", sa.Column("also_started", sa.JSON(none_as_null=True)))

"""Whether only an event of the stream has told that an execution ended."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what has ended already was told."""
    op.add_column("executions", sa.Column("ended_by_event", sa.Boolean(), nullable=True))

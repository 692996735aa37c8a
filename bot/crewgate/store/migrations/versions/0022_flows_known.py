"""Whether an execution is a flow, as its events say."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of the older executions no events are known."""
    op.add_column("executions", sa.Column("is_flow", sa.Boolean(), nullable=True))

"""The values of a kickoff that rules take a reviewer from."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no execution of before has such values."""
    op.add_column("executions", sa.Column("named", sa.JSON))

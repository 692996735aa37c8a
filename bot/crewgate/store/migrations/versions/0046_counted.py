"""The number of an audit entry within its execution."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Add `nth`, which stays null in entries that are linked already."""
    op.add_column("audit_entries", sa.Column("nth", sa.BigInteger()))

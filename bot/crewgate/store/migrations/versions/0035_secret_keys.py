"""The keys that credentials may be encrypted with."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what there is stays plain until it is rotated."""
    op.create_table(
        "secret_keys",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("canary", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret_keys"),
    )

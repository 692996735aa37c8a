"""Where the version is kept that wrote the database last; `migrate` fills it."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "written_by",
        sa.Column("version", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_written_by"),
    )

"""Texts of people in the place of a crew's output, and those that a crew was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("rounds", sa.Column("takes_edits", sa.Boolean))
    op.add_column("rounds", sa.Column("edited_by", sa.JSON(none_as_null=True)))
    op.add_column("outputs", sa.Column("edited", sa.Text))

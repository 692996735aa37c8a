"""What people are asked about before they approve: what cards show, who has read all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns; of older cards it is not known what they show."""
    op.add_column("rounds", sa.Column("unsent_notes", sa.Integer(), nullable=True))
    op.add_column("rounds", sa.Column("card_shows", sa.Integer(), nullable=True))
    op.create_table(
        "read_to_end",
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_read_to_end_rounds")),
        sa.PrimaryKeyConstraint("round_id", "user_id", name=op.f("pk_read_to_end")),
    )

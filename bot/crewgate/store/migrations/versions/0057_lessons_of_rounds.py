"""The number of lessons that a round's execution carried leaves, and so does its index."""

from alembic import op

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    op.drop_index("ix_rounds_lessons", "rounds")
    op.drop_column("rounds", "lessons")

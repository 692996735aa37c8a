"""The table of people's wishes for a morning line."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.create_table(
        "mornings",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("user_id", "zone")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("minute", "told")),
        sa.PrimaryKeyConstraint("user_id", name="pk_mornings"),
    )

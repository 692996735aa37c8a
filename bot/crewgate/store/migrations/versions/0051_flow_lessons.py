"""Kept lessons of flows, which `crewgate host` gives them."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.add_column(
        "lessons", sa.Column("of_flow", sa.Boolean(), nullable=False, server_default=sa.false())
    )

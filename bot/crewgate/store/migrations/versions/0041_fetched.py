"""The mark of rounds whose decision the asker fetches, also if their crew has a URL."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column("rounds", sa.Column("is_fetched", sa.Boolean()))

"""The times when a person was first shown an output's last page, and could have read it."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.add_column("read_to_end", sa.Column("began_at", sa.BigInteger()))
    op.add_column("read_to_end", sa.Column("enough_at", sa.BigInteger()))

"""Slack's time of a person's last press on a round, so that the press counts once."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    op.add_column("read_to_end", sa.Column("pressed", sa.BigInteger()))
